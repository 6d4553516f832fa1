"""The SQLite driver: which one is safe to use, and what its errors mean."""

from __future__ import annotations

import sqlite3
from types import ModuleType

from ingest.errors import StoreUnusable

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


def is_damage(error: BaseException | None) -> bool:
    """True when the driver takes the file for damaged, or for no database."""
    name, said = str(getattr(error, "sqlite_errorname", "")), str(error)
    is_named = name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))
    return is_named or "malformed" in said or "not a database" in said
