"""A store in a SQLite file.

A write takes the database's one write lock at BEGIN and commits when the
block ends; a read sees one consistent snapshot and can write nothing. SQLite
runs in WAL mode at `synchronous=FULL`: we may delete a partner's copy once a
commit has returned.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from ingest.store.engine import Store, Tx, check_revision
from ingest.store.sqlite import removal
from ingest.store.sqlite.changes import FileChanges
from ingest.store.sqlite.driver import is_busy, sqlite_module
from ingest.store.sqlite.identity import check_log, identity
from ingest.store.sqlite.translating import replaced, translated

WRITE_LOCK_BOUND = 60.0  # seconds a write waits for the lock before it gives up
_WAIT = (0.0002, 0.001)  # seconds between two tries; uniform, since SQLite's own ladder starves the slowest
_CACHE_KIB = 16 * 1024
_CHECKPOINT_PAGES = 2000
_WAL_KEPT = 32 * 1024 * 1024  # bytes of the write-ahead log that a checkpoint leaves standing


class SqliteStore(Store):
    """A SQLite file that is open."""

    dialect = "sqlite"

    def __init__(self, url: str, path: Path) -> None:
        self.url = url
        self.path = path
        self._identity = identity(path)
        self._cookie: int | None = None  # of the schema that was found to be ours; None: any will do
        self._writer = _engine(self._connect, begin=_begin_immediate)
        self._reader = _engine(self._connect, begin=_begin_snapshot, pragmas=("query_only=ON",))
        self._mine = (
            threading.local()
        )  # the writing connection of each thread: taking one from a pool costs more
        self._opened: list[Connection] = []

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that holds the write lock; it commits unless the block raises.

        Raises `TryAgain` when the lock was not free for a minute,
        `StoreReplaced` when the file is no longer the one that was opened,
        `StoreUnusable` when it was brought to another schema meanwhile,
        `CannotWrite` when the disk refuses.
        """
        with translated(self.path):
            tx = self._writing_connection()
            with tx.begin():
                self.check_identity()
                check_log(tx, self.path)
                if self._cookie is not None and _cookie(tx) != self._cookie:
                    self._refuse_other_schema(tx)
                yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent snapshot, as of the first look, that can only be read; raises `StoreReplaced`."""
        with translated(self.path), self._reader.begin() as tx:
            self.check_identity()
            yield tx

    def check_identity(self) -> None:
        """Raise `StoreReplaced` unless the path still names the file that was opened."""
        if identity(self.path) != self._identity:
            raise replaced(self.path)

    def _refuse_other_schema(self, tx: Tx) -> None:
        """Asked again whenever the schema moved: by a migration, or by a table that a processor brings."""
        cookie = _cookie(tx)
        check_revision(tx)
        self._cookie = cookie

    def refuse_other_schema(self) -> None:
        """Raise `StoreUnusable` unless the schema is the one this version speaks, now and at each write."""
        with self.read() as tx:
            self._refuse_other_schema(tx)

    def removing(self) -> AbstractContextManager[None]:
        """A lock on a file beside the database is held."""
        return removal.removing(self.local)

    def is_removing(self, tx: Tx) -> bool:  # noqa: ARG002  # as the other store wants it
        """As that lock says; who takes it later waits for the write lock before it looks."""
        return removal.is_removing(self.local)

    def now(self) -> datetime:
        """Now, by the clock of this host: all who share the file are on it."""
        return datetime.now(UTC)

    def witness(self, tx: Tx) -> None:
        """Whether the file is the one that was opened is asked at each transaction."""

    def changes(self) -> FileChanges:
        """What tells, at next to no cost, whether another connection has committed since."""
        with translated(self.path):
            return FileChanges(self._reader.raw_connection(), self.path)

    def close(self) -> None:
        """Let go of every connection, those of other threads too."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._mine = threading.local()
        self._writer.dispose()
        self._reader.dispose()

    def _connect(self) -> Any:
        """A connection of the driver; one that is gone is not made anew."""
        self.check_identity()
        name = f"file:{quote(os.fsencode(self.path))}?mode=rw"
        return sqlite_module().connect(name, uri=True, timeout=0, check_same_thread=False)

    def _writing_connection(self) -> Connection:
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is None or connection.closed or connection.invalidated:
            connection = self._mine.connection = self._writer.connect()
            self._opened.append(connection)
        return connection


def _cookie(tx: Tx) -> int:
    """SQLite's own count of the changes of the schema: any migration moves it."""
    raw = tx.connection.driver_connection
    return int(raw.execute("PRAGMA schema_version").fetchone()[0])  # type: ignore[union-attr]  # a driver connection is there


def _engine(connect: Callable[[], Any], *, begin: Any, pragmas: tuple[str, ...] = ()) -> Engine:
    engine = create_engine("sqlite://", module=sqlite_module(), creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def configure(raw: Any, _record: object) -> None:
        raw.isolation_level = None  # BEGIN is ours
        _patiently(lambda: raw.execute("PRAGMA journal_mode=WAL"))
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"cache_size=-{_CACHE_KIB}",
            f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
            f"journal_size_limit={_WAL_KEPT}",
            *pragmas,
        ):
            raw.execute(f"PRAGMA {pragma}")

    event.listen(engine, "begin", begin)
    return engine


def _begin_immediate(tx: Connection) -> None:
    raw = tx.connection.driver_connection
    _patiently(lambda: raw.execute("BEGIN IMMEDIATE"))  # type: ignore[union-attr]  # a driver connection is there


def _begin_snapshot(tx: Connection) -> None:
    tx.exec_driver_sql("BEGIN")


def _patiently(attempt: Any) -> None:
    """Run `attempt` until the database is not busy, at most `WRITE_LOCK_BOUND` seconds."""
    deadline = time.monotonic() + WRITE_LOCK_BOUND
    while True:
        try:
            attempt()
        except sqlite_module().OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(*_WAIT))  # noqa: S311  # spreads waiters, hides nothing
        else:
            return
