"""Rows that processors booked, as they stand, for reports over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnClause, Text, column, func, select, table

from ingest.errors import NotFound
from ingest.store.engine import Tx
from ingest.store.schema import processor_tables


def rows(tx: Tx, name: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The columns of every row of a processor's table, in no promised order.

    Raises `NotFound` when no processor declared a table of this name.
    """
    _check(tx, name)
    wanted: list[ColumnClause[Any]] = [column(each) for each in columns]
    for row in tx.execute(select(*wanted).select_from(table(name))):
        yield tuple(row)


def count(tx: Tx, name: str, *, where: dict[str, str] | None = None) -> int:
    """How many rows a processor's table has, or how many whose text columns are as in `where`."""
    _check(tx, name)
    conditions = [column(each, Text) == value for each, value in (where or {}).items()]
    return int(tx.execute(select(func.count()).select_from(table(name)).where(*conditions)).scalar_one())


def stands(tx: Tx, name: str) -> bool:
    """True when a processor's table of this name stands."""
    found = select(processor_tables.c.name).where(processor_tables.c.name == name)
    return tx.execute(found).first() is not None


def _check(tx: Tx, name: str) -> None:
    """Only names that were declared reach a statement as names."""
    if not stands(tx, name):
        raise NotFound(f"no processor declared a table {name!r}", hint="see `ingest processors list`")
