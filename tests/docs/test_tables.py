"""docs/reference/tables.md names every column of the tables that users may query."""

from __future__ import annotations

from sqlalchemy.dialects.sqlite import dialect

from ingest import registry
from ingest.domain.columns import BINDS
from ingest.store.schema import rejects
from ingest.store.tables import sql_table
from tests.docs.pages import REFERENCE, inline, rows, sections

PAGE = REFERENCE / "tables.md"


def test_every_column_of_the_bundled_processors_is_explained_in_order() -> None:
    for use in ("payments:payments", "ledger:ledger"):
        for table in registry.find(use).processor.owned_tables(use, {}):
            assert _columns(f"`{table.name}`") == [column.name for column in sql_table(table).columns]


def test_every_column_of_the_bundled_processors_has_the_type_that_is_said() -> None:
    for use in ("payments:payments", "ledger:ledger"):
        for table in registry.find(use).processor.owned_tables(use, {}):
            said = {inline(row[0])[0]: row[1] for row in rows(sections(PAGE)[f"`{table.name}`"])}
            for column in sql_table(table).columns:
                kept = "integer" if "INT" in column.type.compile(dialect()).upper() else "text"
                assert said[column.name].startswith(kept), column.name


def test_every_column_of_the_rejects_is_explained_in_order() -> None:
    documented = [name for name in _columns("`rejects`") if name in rejects.c]

    assert documented == [column.name for column in rejects.columns]


def test_every_type_a_column_may_have_is_explained() -> None:
    declared = {word for row in rows(sections(PAGE)["Tables of processors"]) for word in inline(row[0])}

    assert {type_.__name__ for type_ in BINDS} <= declared


def _columns(heading: str) -> list[str]:
    return [inline(row[0])[0] for row in rows(sections(PAGE)[heading])]
