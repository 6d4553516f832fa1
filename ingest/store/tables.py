"""Processors' tables: created when a processor is registered, owned by it, never altered silently."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    MetaData,
    Text,
    bindparam,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import CreateColumn

from ingest.contract import Table
from ingest.contract import table as declare
from ingest.domain.columns import BINDS, INTEGERS
from ingest.errors import UsageError
from ingest.store.engine import Tx
from ingest.store.schema import OWN_TABLES, processor_tables


@cache
def sql_table(table: Table) -> SqlTable:
    """The database's table for a processor's: its columns, then `event_id`."""
    return SqlTable(
        table.name,
        MetaData(),
        *(
            Column(c.name, BigInteger() if c.type in INTEGERS else Text(), nullable=c.is_nullable)
            for c in table.columns
        ),
        Column("event_id", Text, nullable=False),
        Index(f"ix_{table.name}_event_id", "event_id"),
        *([Index(f"uq_{table.name}", *table.unique, unique=True)] if table.unique else []),
    )


def declared(name: str, columns: str) -> Table:
    """The table as it was declared, given what `processor_tables` says of its columns; those in any order."""
    known = json.loads(columns)
    types: dict[str, Any] = {kind.__name__: kind for kind in BINDS}
    return declare(
        name,
        unique=known["unique"],
        **{
            column: types[kind.rstrip("?")] | None if kind.endswith("?") else types[kind]
            for column, kind in known["columns"].items()
        },
    )


def ensure(tx: Tx, processor: str, tables: Sequence[Table]) -> None:
    """Each table stands as declared and belongs to `processor`; added nullable columns have followed.

    Raises `UsageError` naming the table: for one of the engine's or another
    processor's, one that nobody declared, or any other difference.
    """
    for table in tables:
        if table.name in OWN_TABLES or table.name.startswith("sqlite_"):
            raise UsageError(f"the table name {table.name!r} is the engine's own", hint="choose another name")
        known = tx.execute(_OF, {"of_name": table.name}).first()
        if known is None:
            _create(tx, processor, table)
        elif known.processor != processor:
            raise UsageError(
                f"the table {table.name!r} belongs to the processor {known.processor!r}",
                hint="choose another name",
            )
        elif known.columns != _declared(table):
            _extend(tx, table, json.loads(known.columns))


def standing(tx: Tx, processor: str, tables: Sequence[Table]) -> tuple[Table, ...]:
    """Those of `tables` that stand exactly as they are declared, and belong to `processor`."""

    def stands(table: Table) -> bool:
        known = tx.execute(_OF, {"of_name": table.name}).first()
        return known is not None and (known.processor, known.columns) == (processor, _declared(table))

    return tuple(filter(stands, tables))


def _create(tx: Tx, processor: str, table: Table) -> None:
    if inspect(tx).has_table(table.name):
        raise UsageError(f"a table {table.name!r} stands in the database and no processor declared it")
    sql_table(table).create(tx)
    tx.execute(
        insert(processor_tables), {"name": table.name, "processor": processor, "columns": _declared(table)}
    )


def _extend(tx: Tx, table: Table, known: dict[str, Any]) -> None:
    wanted = json.loads(_declared(table))
    added = [c for c in table.columns if c.name not in known["columns"]]
    kept = {c.name: wanted["columns"][c.name] for c in table.columns if c.name in known["columns"]}
    if other := _differing(table, known, kept) or ["the unique key"] * (wanted["unique"] != known["unique"]):
        raise UsageError(
            f"the table {table.name!r} stands with other columns than the processor declares: {other[0]}",
            hint="only nullable columns can be added; give the table another name, or migrate it by hand",
        )
    name = tx.dialect.identifier_preparer.format_table(sql_table(table))
    for column in added:
        ddl = CreateColumn(sql_table(table).c[column.name]).compile(dialect=tx.dialect)
        tx.execute(text(f"ALTER TABLE {name} ADD COLUMN {ddl}"))  # both names are quoted where they need it
    tx.execute(_RECORD, {"of_name": table.name, "columns": _declared(table)})


def _differing(table: Table, known: dict[str, Any], kept: dict[str, str]) -> list[str]:
    """What keeps the table from following: columns that changed or went, and new ones that cannot be NULL."""
    gone = [f"{name} is {kind} there" for name, kind in known["columns"].items() if kept.get(name) != kind]
    return gone + [
        f"{c.name} is new and never NULL"
        for c in table.columns
        if c.name not in known["columns"] and not c.is_nullable
    ]


def _declared(table: Table) -> str:
    columns = {c.name: c.type.__name__ + ("?" if c.is_nullable else "") for c in table.columns}
    return json.dumps({"columns": columns, "unique": table.unique}, sort_keys=True)


_OF = select(processor_tables).where(processor_tables.c.name == bindparam("of_name"))
_RECORD = (
    update(processor_tables)
    .where(processor_tables.c.name == bindparam("of_name"))
    .values(columns=bindparam("columns"))
)
