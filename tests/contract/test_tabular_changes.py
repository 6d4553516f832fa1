"""A contract that is changed later: what the table follows, and what it refuses by the name of the column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import UsageError
from ingest.store.engine import Store
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from ingest.store.tables import ensure, standing
from processors.tabular import tables_of

ID = {"name": "id", "required": True}
NOTE = {"name": "note"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'ingest.db'}"
    create_or_upgrade(url)
    with open_store(url) as opened:
        yield opened


def declare(store: Store, *columns: Mapping[str, Any], **more: Any) -> None:
    options = {"format": "csv", "table": "sales", "columns": list(columns), **more}
    tables = tables_of("sales", options)
    with store.write() as tx:
        ensure(tx, "sales", tables)
        assert standing(tx, "sales", tables) == tuple(tables)


def test_columns_that_may_be_empty_are_added(store: Store) -> None:
    declare(store, ID)
    declare(store, NOTE, ID, {"name": "day", "type": "date"})


@pytest.mark.parametrize(
    ("columns", "more", "said"),
    [
        ([ID, NOTE, {"name": "day", "required": True}], {}, "day is new and never NULL"),
        ([ID], {}, "note is str? there"),
        ([ID, {**NOTE, "type": "integer"}], {}, "note is str? there"),
        ([ID, {**NOTE, "required": True}], {}, "note is str? there"),
        ([ID, NOTE], {"unknown": "refuse"}, "extra is dict there"),
        ([ID, NOTE], {"unique": ["id"]}, "the unique key"),
    ],
)
def test_whatever_else_differs_is_refused_with_its_name(
    store: Store, columns: list[Mapping[str, Any]], more: dict[str, Any], said: str
) -> None:
    declare(store, ID, NOTE)

    with pytest.raises(UsageError) as refused:
        declare(store, *columns, **more)

    assert refused.value.message.endswith(f"than the processor declares: {said}")
