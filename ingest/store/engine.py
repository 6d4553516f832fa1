"""Opening the store, and its two kinds of transaction.

A write takes the database's one write lock at BEGIN and commits when the
block ends; a read sees one consistent snapshot and can write nothing. SQLite
runs in WAL mode at `synchronous=FULL`: we may delete a partner's copy once a
commit has returned.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from ingest.errors import CannotWrite, StoreReplaced, StoreUnusable, TryAgain
from ingest.filesystems import filesystem_of, is_remote
from ingest.store.schema import REVISION

Tx = Connection

SAFE_SQLITE = (3, 51, 3)  # 3.7.0 to 3.51.2 carry the "WAL-reset" corruption bug: https://sqlite.org/wal.html
WRITE_LOCK_BOUND = 60.0  # seconds a write waits for the lock before it gives up
_WAIT = (0.0002, 0.001)  # seconds between two tries; uniform, since SQLite's own ladder starves the slowest
_CACHE_KIB = 16 * 1024
_CHECKPOINT_PAGES = 2000


class Store:
    """An open database: `write()` and `read()` give the transactions every function here takes."""

    def __init__(self, url: str, path: Path) -> None:
        self.url = url
        self.path = path
        self._identity = _identity(path)
        self._writer = _engine(path, begin=_begin_immediate)
        self._reader = _engine(path, begin=_begin_snapshot, pragmas=("query_only=ON",))
        self._mine = (
            threading.local()
        )  # the writing connection of each thread: taking one from a pool costs more
        self._opened: list[Connection] = []

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that holds the write lock; it commits unless the block raises.

        Raises `TryAgain` when the lock was not free for a minute,
        `StoreReplaced` when the file is no longer the one that was opened,
        `CannotWrite` when the disk refuses.
        """
        with _translated(self.path):
            tx = self._writing_connection()
            with tx.begin():
                self.check_identity()
                yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent snapshot that can only be read."""
        with _translated(self.path), self._reader.begin() as tx:
            yield tx

    def check_identity(self) -> None:
        """Raise `StoreReplaced` unless the path still names the file that was opened."""
        if _identity(self.path) != self._identity:
            raise StoreReplaced(
                f"the database {self.path} was replaced or deleted while in use",
                hint="stop every ingest process, put the right file back and start again",
            )

    def changes(self) -> ChangeMark:
        """A mark that tells, at next to no cost, whether another connection has committed since."""
        return ChangeMark(self._reader.raw_connection())

    def close(self) -> None:
        """Let go of every connection, those of other threads too."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._mine = threading.local()
        self._writer.dispose()
        self._reader.dispose()

    def _writing_connection(self) -> Connection:
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is None or connection.closed or connection.invalidated:
            connection = self._mine.connection = self._writer.connect()
            self._opened.append(connection)
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ChangeMark:
    """`PRAGMA data_version` of one connection: it differs after any commit of another one."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._cursor = raw.cursor()
        self._seen = -1

    def has_moved(self) -> bool:
        """True when something was committed since the last call; always at the first."""
        version: int = self._cursor.execute("PRAGMA data_version").fetchone()[0]
        moved, self._seen = version != self._seen, version
        return moved

    def close(self) -> None:
        """Give the connection back."""
        self._raw.close()


def database_path(url: str) -> Path:
    """The file that a SQLite URL names."""
    database = make_url(url).database
    if not url.startswith("sqlite") or not database:
        raise StoreUnusable(
            "the store's url does not name a SQLite file", hint="write sqlite:///path/to/ingest.db"
        )
    return Path(database)


def open_store(url: str) -> Store:
    """The store at `url`, whose schema is the one this version speaks.

    Raises `StoreUnusable` when there is none, when it is on a network
    filesystem, is no database, or is older or newer than this version.
    """
    path = database_path(url)
    if not path.exists():
        raise StoreUnusable(f"there is no store at {path}", hint="run `ingest init`, or `ingest db upgrade`")
    _refuse_remote(path)
    store = Store(url, path)
    found = revision(store)
    if found != REVISION:
        store.close()
        age = "newer than this ingest" if found and found > REVISION else "older than this ingest"
        hint = "upgrade ingest" if found and found > REVISION else "run `ingest db upgrade`"
        raise StoreUnusable(f"the store's schema ({found or 'none'}) is {age} ({REVISION})", hint=hint)
    return store


def revision(store: Store) -> str | None:
    """The migration the store stands at; None for an empty database."""
    with store.read() as tx:
        if not inspect(tx).has_table("alembic_version"):
            return None
        return tx.execute(text("SELECT version_num FROM alembic_version")).scalar()


def create_file(path: Path) -> None:
    """An empty private file at `path`, in a private directory, whatever the umask.

    Raises `CannotWrite` when that is not possible, `StoreUnusable` on a network filesystem.
    """
    try:
        make_private_directory(path.parent)
        _refuse_remote(path.parent)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.fchmod(handle, 0o600)
        os.close(handle)
    except FileExistsError:
        return
    except OSError as error:
        raise CannotWrite(
            f"cannot create {path}: {error.strerror}", hint="check the directory's permissions"
        ) from error


def make_private_directory(path: Path) -> None:
    """The directory `path`, its missing parents too, each that is made readable by its owner only."""
    for missing in [p for p in (*reversed(path.parents), path) if not p.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)
        missing.chmod(0o700)


def sqlite_module() -> ModuleType:
    """The SQLite driver in use: the interpreter's where it is new enough, else pysqlite3.

    Raises `StoreUnusable` when neither is safe for several processes that write.
    """
    if sqlite3.sqlite_version_info >= SAFE_SQLITE:
        return sqlite3
    try:
        from pysqlite3 import dbapi2  # noqa: PLC0415  # only where the interpreter's own is too old
    except ImportError as error:
        raise StoreUnusable(
            f"SQLite {sqlite3.sqlite_version} can corrupt a database that several processes write",
            hint="pip install pysqlite3",
        ) from error
    return dbapi2  # type: ignore[no-any-return]  # it ships no types


def _engine(path: Path, *, begin: Any, pragmas: tuple[str, ...] = ()) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", module=sqlite_module(), connect_args={"timeout": 0, "check_same_thread": False}
    )

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
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(*_WAIT))  # noqa: S311  # spreads waiters, hides nothing
        else:
            return


def _is_busy(error: BaseException | None) -> bool:
    return str(getattr(error, "sqlite_errorname", error)).startswith(("SQLITE_BUSY", "database is locked"))


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Errors of the driver, in our words and with the next step."""
    try:
        yield
    except DBAPIError as error:
        raise _in_our_words(error.orig, path) or error from error
    except sqlite_module().Error as error:
        raise _in_our_words(error, path) or error from error


def _in_our_words(error: BaseException | None, path: Path) -> Exception | None:
    name, said = str(getattr(error, "sqlite_errorname", "")), str(error)
    if _is_busy(error):
        return TryAgain(
            f"the database {path} stayed locked", hint="see which process holds it, then try again"
        )
    if (
        name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))
        or "malformed" in said
        or "not a database" in said
    ):
        return StoreUnusable(f"{path} is damaged or is not a database", hint="restore the newest backup")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return CannotWrite(
            f"cannot write {path}: {said}", hint="free the disk or mend the mount; nothing was lost"
        )
    return None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _refuse_remote(path: Path) -> None:
    kind = filesystem_of(path)
    if is_remote(kind):
        raise StoreUnusable(
            f"{path} is on {kind}, where SQLite's locks cannot be trusted",
            hint="put store.url on a local disk",
        )
