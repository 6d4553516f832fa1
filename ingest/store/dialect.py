"""What differs between SQLite and PostgreSQL, side by side, and statements compiled once.

Elsewhere in the store a statement is plain SQLAlchemy Core that compiles for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    bindparam,
    cast,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.dialects.sqlite.dml import OnConflictClause

from ingest.store.schema import event_keys, events

__all__ = [
    "Batch",
    "Insert",
    "Savepoint",
    "chunks",
    "enter_append",
    "enter_landing",
    "enter_migration",
    "enter_past",
    "enter_registration",
    "enter_removal",
    "freeze_log",
    "give_room",
    "insert",
    "is_removal_free",
    "lock_rows",
    "next_positions",
    "whole_sum",
]

# SQLite's insert with ON CONFLICT stands for both, so that a store in a file does without importing the other
# dialect. PostgreSQL's compiler also asks it which constraint it names: none.
OnConflictClause.constraint_target = None  # type: ignore[attr-defined]

CHUNK = 500  # rows bound into one IN list
_OURS = 1_768_843_109  # the first key of our advisory locks: "inge" in ASCII
_MIGRATION, _LANDING, _REGISTRATION, _PAST, _REMOVAL = 1, 2, 3, 4, 5


class Batch:
    """One statement, compiled once, that is executed for many rows of plain values.

    `names` are the bind parameters in the order in which the tuples given to
    `run` carry their values: integers, text, bytes or None, instants as
    microseconds. No type of SQLAlchemy's looks at them: that is what makes it fast.
    """

    def __init__(self, statement: ClauseElement, names: str) -> None:
        self.statement = statement
        self.names = tuple(names.split())
        self._compiled: dict[str, tuple[str, Any]] = {}

    def run(self, tx: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """How many database rows were touched by executing the statement for each of `rows`."""
        if not rows:
            return 0
        sql, arrange = self._compiled.get(tx.dialect.name) or self.compile(tx.dialect)
        # The driver's own cursor: SQLAlchemy's execution costs more than the statement.
        with closing(tx.connection.cursor()) as cursor:
            values = rows if arrange is None else [arrange(row) for row in rows]
            if tx.dialect.name == "sqlite":
                cursor.executemany(sql, values)
                return int(cursor.rowcount)
            count = 0
            if len(values) > 1:
                cursor.executemany(sql, values[:-1])
                count = int(cursor.rowcount)
            # By itself: behind many the driver may send a Flush, and that stops the clock by which the server
            # ends a write that stands still.
            cursor.execute(sql, values[-1], prepare=True)  # type: ignore[call-arg]  # the driver is psycopg
            return count + int(cursor.rowcount)

    def compile(self, dialect: Dialect) -> tuple[str, Any]:
        """The SQL for `dialect` and how a tuple becomes its parameters (None: as it is)."""
        compiled = self.statement.compile(dialect=dialect)
        order = compiled.positiontup  # type: ignore[attr-defined]  # SQLCompiler has it, Compiled does not say so
        if set(compiled.params) != set(self.names):
            msg = f"a batch takes exactly its named values, not {sorted(compiled.params)}"
            raise TypeError(msg)
        if order is None:
            names = self.names
            arrange: Any = lambda row: dict(zip(names, row, strict=True))  # noqa: E731  # kept as a value
        elif tuple(order) == self.names:
            arrange = None
        else:
            arrange = itemgetter(*map(self.names.index, order))
        self._compiled[dialect.name] = str(compiled), arrange
        return self._compiled[dialect.name]


class Savepoint:
    """A point in `tx` to which all that follows can be taken back; it may stand inside another."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx
        self._run("SAVEPOINT point")

    def release(self) -> None:
        """What followed stays, as far as the transaction does."""
        self._run("RELEASE SAVEPOINT point")

    def roll_back(self) -> None:
        """What followed never was."""
        self._run("ROLLBACK TO SAVEPOINT point")
        self._run("RELEASE SAVEPOINT point")

    def _run(self, sql: str) -> None:
        with closing(self._tx.connection.cursor()) as cursor:
            cursor.execute(sql)


def enter_migration(tx: Connection) -> None:
    """No other process migrates the store, or writes to it, before this transaction has ended.

    SQLite: the write lock is held. PostgreSQL: an advisory lock, and one on the
    schema's own number, which every write looks at.
    """
    _lock(tx, _MIGRATION)
    if tx.dialect.name != "sqlite" and inspect(tx).has_table("alembic_version"):
        tx.exec_driver_sql("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")


def enter_landing(tx: Connection) -> None:
    """No other process lands files before this transaction has ended: what stands is decided about once.

    SQLite: the write lock is held. PostgreSQL: an advisory lock.
    """
    _lock(tx, _LANDING)


def enter_registration(tx: Connection) -> None:
    """No other process registers processors or itself before this transaction has ended.

    SQLite: the write lock is held. PostgreSQL: an advisory lock.
    """
    _lock(tx, _REGISTRATION)


def enter_past(tx: Connection) -> None:
    """No other process makes the past due, or lets go of it, before this transaction has ended.

    SQLite: the write lock is held. PostgreSQL: an advisory lock, taken after that on landing.
    """
    _lock(tx, _PAST)


def enter_removal(tx: Connection) -> None:
    """No other process removes objects before this transaction has ended. PostgreSQL: an advisory lock."""
    _lock(tx, _REMOVAL)


def is_removal_free(tx: Connection) -> bool:
    """True where nobody removes objects, nor will before this transaction has ended. PostgreSQL only."""
    return bool(tx.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_OURS}, {_REMOVAL})").scalar_one())


def enter_append(tx: Connection, keys: Sequence[str]) -> bool:
    """Nobody else appends under these keys before this transaction has ended; True if that had to be seen to.

    SQLite: the write lock is held. PostgreSQL: the rows of the keys, which are
    made where they are new (at keyseq 0), are locked in their order. A log that
    is frozen is awaited first: positions are taken from a sequence, and none
    that was taken before may be given to an event after it.
    """
    if tx.dialect.name == "sqlite":
        return False
    tx.exec_driver_sql("LOCK TABLE event_keys IN ROW EXCLUSIVE MODE")
    _NEW_KEY.run(tx, [(key, 0, b"") for key in sorted(keys)])
    return True


def lock_rows(tx: Connection, statement: Executable, ids: Sequence[Any]) -> None:
    """The rows that `statement` selects for update, by `ids`, are this transaction's until it has ended.

    SQLite: the write lock is held.
    """
    if tx.dialect.name != "sqlite":
        for chunk in chunks(ids):
            tx.execute(statement, {"ids": chunk}).all()


def give_room(tx: Connection) -> None:
    """A statement of this transaction may keep a set of millions, which it looks things up in, in memory.

    SQLite: it may, on the disk where need be. PostgreSQL, without it: searches the set again for each row.
    """
    if tx.dialect.name != "sqlite":
        tx.exec_driver_sql("SET LOCAL work_mem = '256MB'")


def freeze_log(tx: Connection) -> None:
    """Every append that had begun has ended, and none begins before this transaction has.

    SQLite: the write lock is held. PostgreSQL: a lock on the keys, which lets others read
    them; to lock the log itself so takes the right to change it.
    """
    if tx.dialect.name != "sqlite":
        tx.exec_driver_sql("LOCK TABLE event_keys IN SHARE MODE")


def _lock(tx: Connection, number: int) -> None:
    if tx.dialect.name != "sqlite":
        tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_OURS}, {number})")


def whole_sum(numbers: ColumnElement[int]) -> ColumnElement[int]:
    """The sum of whole numbers, 0 for none: a whole number too, which PostgreSQL's would not be."""
    return cast(func.coalesce(func.sum(numbers), 0), BigInteger)


def chunks(values: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """`values` in pieces that fit one IN list."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def next_positions(tx: Connection, count: int) -> Iterable[int]:
    """`count` positions, rising and above every committed one, that only this transaction uses.

    SQLite: the write lock is held, so the highest one counts up. PostgreSQL: its sequence.
    """
    if tx.dialect.name == "sqlite":
        last = tx.execute(_LAST_POSITION).scalar() or 0
        return range(last + 1, last + 1 + count)
    taken = tx.execute(
        select(func.nextval("events_position_seq")).select_from(func.generate_series(1, count))
    )
    return sorted(taken.scalars())


_NEW_KEY = Batch(
    insert(event_keys)
    .values(key=bindparam("key"), keyseq=bindparam("keyseq"), hash=bindparam("hash"))
    .on_conflict_do_nothing(),
    "key keyseq hash",
)
_LAST_POSITION = select(func.max(events.c.position))
