"""The SQLite driver: which one is safe to use, and its errors in our words, with the next step."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from sqlalchemy.exc import DBAPIError

from ingest.errors import CannotWrite, StoreUnusable, TryAgain

SAFE_SQLITE = (3, 51, 3)  # 3.7.0 to 3.51.2 carry the "WAL-reset" corruption bug: https://sqlite.org/wal.html


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


def is_busy(error: BaseException | None) -> bool:
    """True when the database was locked by somebody else."""
    return str(getattr(error, "sqlite_errorname", error)).startswith(("SQLITE_BUSY", "database is locked"))


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of the driver, in our words and with the next step."""
    try:
        yield
    except DBAPIError as error:
        raise _in_our_words(error.orig, path) or error from error
    except sqlite_module().Error as error:
        raise _in_our_words(error, path) or error from error


def _in_our_words(error: BaseException | None, path: Path) -> Exception | None:
    name, said = str(getattr(error, "sqlite_errorname", "")), str(error)
    if is_busy(error):
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
