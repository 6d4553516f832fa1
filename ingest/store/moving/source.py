"""The SQLite file that is moved: what stands in it, and why it may not be moved now.

All of it is read in the one transaction that holds the write lock, so that
nobody lands or works meanwhile and every table is of the same instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, Text, inspect, select

from ingest.domain.showing import show
from ingest.errors import StoreUnusable, TryAgain
from ingest.store import workers
from ingest.store.engine import Tx
from ingest.store.schema import OWN_TABLES, lanes, metadata, processor_tables
from ingest.store.tables import declared, sql_table

BATCH = 1000  # rows read at a time
_COUNTED = "sqlite_sequence"  # SQLite's own: the highest id that was ever given, by table
# A claim that stood is over, and whoever still thinks that it has it is refused.
_INSTEAD = {
    (lanes.name, "fence"): '"fence" + 1',
    (lanes.name, "state"): "CASE \"state\" WHEN 'leased' THEN 'ready' ELSE \"state\" END",
    (lanes.name, "worker"): "NULL",
    (lanes.name, "child"): "NULL",
    (lanes.name, "held_to"): "NULL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A table of the source, as it is to stand in the target."""

    table: Table
    rows: int
    is_escaped: bool = False  # some text in it holds a NUL character, which PostgreSQL cannot keep

    @property
    def name(self) -> str:
        """Its name, in both."""
        return self.table.name


def refuse_live(tx: Tx) -> None:
    """Raise `TryAgain` while a worker or a watcher lives."""
    living = [*workers.live(tx, "worker"), *workers.live(tx, "watcher")]
    if living:
        said = ", ".join(f"{one.kind} {one.pid} on {one.host}" for one in living)
        raise TryAgain(f"the store is in use: {show(said)}", hint="stop every ingest process, then try again")


def survey(tx: Tx) -> list[Standing]:
    """Every table that is to be moved; raises `StoreUnusable` for what the target could not keep."""
    owned = [sql_table(declared(row.name, row.columns)) for row in tx.execute(select(processor_tables))]
    found = [_standing(tx, table) for table in metadata.sorted_tables]
    for table in sorted(owned, key=lambda table: table.name):
        _refuse_nul(tx, table)
        found.append(_standing(tx, table))
    return found


def others(tx: Tx, standing: Sequence[Standing]) -> list[str]:
    """Tables and views that are nobody's: they stay where they are."""
    looked = inspect(tx)
    ours = {*OWN_TABLES, *(one.name for one in standing)}
    return sorted({*looked.get_table_names(), *looked.get_view_names()} - ours)


def rows(tx: Tx, standing: Standing) -> Iterator[list[tuple[Any, ...]]]:
    """All rows of the table, as the driver gives them, in pieces."""
    table = standing.table
    wanted = ", ".join(
        _INSTEAD.get((table.name, column.name), _quoted(column.name)) for column in table.columns
    )
    found = tx.exec_driver_sql(f"SELECT {wanted} FROM {_quoted(table.name)}")  # noqa: S608  # quoted names
    while piece := [tuple(row) for row in found.fetchmany(BATCH)]:
        yield [tuple(map(_escaped, row)) for row in piece] if standing.is_escaped else piece


def highest_id(tx: Tx, table: Table, column: str) -> int:
    """The highest number that the table ever gave to a row, also to one that is gone."""
    last = tx.exec_driver_sql(f"SELECT max({_quoted(column)}) FROM {_quoted(table.name)}").scalar()  # noqa: S608  # quoted names
    given = tx.exec_driver_sql(f"SELECT seq FROM {_COUNTED} WHERE name = ?", (table.name,)).scalar()  # noqa: S608  # a constant
    return max(int(last or 0), int(given or 0))


def _standing(tx: Tx, table: Table) -> Standing:
    count = tx.exec_driver_sql(f"SELECT count(*) FROM {_quoted(table.name)}").scalar_one()  # noqa: S608  # a quoted name
    return Standing(table=table, rows=count, is_escaped=_nul(tx, table) is not None)


def _refuse_nul(tx: Tx, table: Table) -> None:
    """Nobody but its processor may say what text is to stand instead."""
    row = _nul(tx, table)
    if row is not None:
        event = row[list(table.columns.keys()).index("event_id")]
        raise StoreUnusable(
            f"table {table.name}: a row of event {show(event)} holds a NUL character;"
            " PostgreSQL cannot keep one",
            hint="let its processor leave it out, replay that event, and copy again",
        )


def _nul(tx: Tx, table: Table) -> Any:
    """A row with a NUL character in some text; None where there is none."""
    texts = [column.name for column in table.columns if _is_text(column)]
    if not texts:
        return None
    names = ", ".join(_quoted(column.name) for column in table.columns)
    holds = " OR ".join(f"instr({_quoted(name)}, char(0))" for name in texts)
    return tx.exec_driver_sql(f"SELECT {names} FROM {_quoted(table.name)} WHERE {holds} LIMIT 1").first()  # noqa: S608  # quoted names


def _is_text(column: Column[Any]) -> bool:
    return isinstance(column.type, Text) and not isinstance(column.type, LargeBinary)


def _escaped(value: Any) -> Any:
    return value.replace("\0", "\\x00") if isinstance(value, str) else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
