"""Checking the database as such: its pages, its indexes, its references; and probing its write lock.

A server looks after its own log and locks: there is nothing to be said of them here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import text

from ingest.store.engine import Store
from ingest.store.postgresql.reading import unreadable
from ingest.store.sqlite.driver import sqlite_module
from ingest.store.sqlite.engine import SqliteStore

PROBE_FOR = 0.25  # seconds in which a write lock that is only passed around is free at least once
_PAUSE = 0.005
_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """What the database engine says of its own file."""

    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """True when nothing was found."""
        return not self.problems


def check(store: Store) -> Integrity:
    """Every page, index and reference of a file was checked; of a database on a server, every row read."""
    if not isinstance(store, SqliteStore):
        with store.read() as tx:
            return Integrity(problems=tuple(unreadable(tx)))
    with store.read() as tx:
        found = [str(row[0]) for row in tx.execute(text(f"PRAGMA integrity_check({_MOST})"))]
        orphans = tx.execute(text("PRAGMA foreign_key_check")).all()
    problems = [problem for problem in found if problem != "ok"]
    problems += [
        f"table {row[0]}: a row refers to one of {row[2]} that is missing" for row in orphans[:_MOST]
    ]
    return Integrity(problems=tuple(problems))


def engine_version(store: Store) -> str:
    """The version of the SQLite in use, or of the server."""
    if isinstance(store, SqliteStore):
        return str(sqlite_module().sqlite_version)
    with store.read() as tx:
        return str(tx.execute(text("SHOW server_version")).scalar_one())


def wal_bytes(store: Store) -> int:
    """How large the write-ahead log beside the file is."""
    if not isinstance(store, SqliteStore):
        return 0
    wal = store.path.with_name(store.path.name + "-wal")
    return wal.stat().st_size if wal.exists() else 0


def is_write_locked(store: Store) -> bool:
    """True when the write lock was not free for one instant of a quarter second: somebody sits on it."""
    if not isinstance(store, SqliteStore):
        return False
    driver = sqlite_module()
    probe = driver.connect(str(store.path), timeout=0, isolation_level=None)
    try:
        deadline = time.monotonic() + PROBE_FOR
        while time.monotonic() < deadline:
            try:
                probe.execute("BEGIN IMMEDIATE")
            except driver.OperationalError:
                time.sleep(_PAUSE)
            else:
                probe.execute("ROLLBACK")
                return False
        return True
    finally:
        probe.close()
