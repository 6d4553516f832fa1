"""Booking rows: each is booked, a duplicate (same content under its key) or a conflict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

from sqlalchemy import bindparam, delete, select, tuple_

from ingest.contract import Table
from ingest.domain.naming import digest_of
from ingest.store.dialect import Batch, Savepoint, chunks, insert
from ingest.store.engine import Tx
from ingest.store.tables import sql_table

BOOKED, DUPLICATE, CONFLICT = "booked", "duplicate", "conflict"


class Fingerprint:
    """A sum over rows that does not depend on their order: equal for equal multisets of rows."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, kind: str, row: Sequence[Any]) -> None:
        """Count one row of `kind` in."""
        self._sum = (self._sum + int(digest_of(kind, repr(tuple(row))), 16)) % 2**256

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self._sum == other._sum

    __hash__ = None  # type: ignore[assignment]  # it changes


def clear(tx: Tx, table: Table, event_ids: Sequence[str]) -> None:
    """No row of these events is left in the table."""
    _clearing(table).run(tx, [(event_id,) for event_id in event_ids])


def rows_of(tx: Tx, table: Table, event_id: str) -> Iterator[Sequence[Any]]:
    """The rows that stand because of `event_id`, in column order."""
    return iter(tx.execute(_own(table), {"of_event": event_id}))


def select_rows(tx: Tx, table: Table, equal: dict[str, Any]) -> list[dict[str, Any]]:
    """Committed rows whose columns equal the bound values in `equal`, as the database keeps them.

    A set is equal to each of its values.
    """
    sql = sql_table(table)
    found = select(*(sql.c[c.name] for c in table.columns), sql.c.event_id)
    wanted = product(*(_each(sql.c[name], value) for name, value in equal.items()))
    return [dict(row) for conditions in wanted for row in tx.execute(found.where(*conditions)).mappings()]


def _each(column: Any, wanted: Any) -> list[Any]:
    """Conditions of which every row that is meant keeps exactly one."""
    if type(wanted) is not set:
        return [column == wanted]
    known = [value for value in wanted if value is not None]
    return [column.in_(chunk) for chunk in chunks(known)] + [column.is_(None)] * (None in wanted)


def book(tx: Tx, table: Table, event_id: str, rows: Sequence[tuple[Any, ...]]) -> list[str] | None:
    """Every row that can be is booked; what became of each row, None meaning that all were booked.

    First all are written at once; only where some key stood already are the
    rows told apart one by one.
    """
    tail = (event_id,)
    written = [row + tail for row in rows]
    if not table.unique:
        _writing(table).run(tx, written)
        return None
    point = Savepoint(tx)
    if book_new(tx, table, written):
        point.release()
        return None
    point.roll_back()
    return _book_apart(tx, table, event_id, rows)


def book_new(tx: Tx, table: Table, rows: Sequence[tuple[Any, ...]]) -> bool:
    """Write rows, each with the id of its event behind it; False where a key of one stood already.

    Some of them stand then: the caller takes them back.
    """
    return _writing(table).run(tx, rows) == len(rows)


def _book_apart(tx: Tx, table: Table, event_id: str, rows: Sequence[tuple[Any, ...]]) -> list[str]:
    keys = list(map(key_of(table), rows))
    taken = standing(tx, table, keys)
    verdicts, booked = [], []
    for key, row in zip(keys, rows, strict=True):
        former = None if None in key else taken.get(key)  # as in SQL, no value equals no value
        if former is None:
            taken[key] = row
            booked.append((*row, event_id))
            verdicts.append(BOOKED)
        else:
            verdicts.append(DUPLICATE if former == row else CONFLICT)
    _writing(table).run(tx, booked)
    return verdicts


def key_of(table: Table) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """What makes the unique key of a row in column order; an empty one where the table has none."""
    names = [column.name for column in table.columns]
    places = [names.index(name) for name in table.unique]
    return lambda row: tuple([row[place] for place in places])


def standing(
    tx: Tx, table: Table, keys: Sequence[tuple[Any, ...]], *, but_of: str = ""
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """By key, the rows that stand under `keys`, but for those of the event `but_of`."""
    key, found = key_of(table), {}
    for chunk in chunks(list(dict.fromkeys(keys))):
        wanted = chunk if len(table.unique) > 1 else [of_one[0] for of_one in chunk]
        for row in tx.execute(_by_key(table), {"keys": wanted, "but_of": but_of}):
            found[key(row)] = tuple(row)
    return found


@cache
def _writing(table: Table) -> Batch:
    names = [*(column.name for column in table.columns), "event_id"]
    statement = insert(sql_table(table)).values({name: bindparam(name) for name in names})
    return Batch(statement.on_conflict_do_nothing() if table.unique else statement, " ".join(names))


@cache
def _clearing(table: Table) -> Batch:
    sql = sql_table(table)
    return Batch(delete(sql).where(sql.c.event_id == bindparam("of_event")), "of_event")


@cache
def _own(table: Table) -> Any:
    sql = sql_table(table)
    return select(*(sql.c[c.name] for c in table.columns)).where(sql.c.event_id == bindparam("of_event"))


@cache
def _by_key(table: Table) -> Any:
    sql = sql_table(table)
    columns = [sql.c[name] for name in table.unique]
    key = columns[0] if len(columns) == 1 else tuple_(*columns)
    is_meant = key.in_(bindparam("keys", expanding=True)), sql.c.event_id != bindparam("but_of")
    return select(*(sql.c[c.name] for c in table.columns)).where(*is_meant)
