"""Which file a path names, and whether the files of the database are still the ones that are in use."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection

from ingest.store.sqlite.translating import log_taken_away, refused


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at `path`, None where there is none; raises `CannotWrite`."""
    return _identity(str(path), path)


def check_log(tx: Connection, path: Path) -> None:
    """Raise `StoreReplaced` when the log that `tx` writes to has lost its name.

    No process reads then what another commits. SQLite itself removes a log
    only when no connection is open any more.
    """
    found = _identity(f"{path}-wal", path)
    if found is None or tx.info.setdefault("log", found) != found:
        raise log_taken_away(path)


def _identity(name: str, database: Path) -> tuple[int, int] | None:
    """Asked twice at each transaction, so by the quickest way there is."""
    try:
        found = os.stat(name)  # noqa: PTH116  # a Path's own method costs twice as much
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refused(database, str(error.strerror)) from error
    return found.st_dev, found.st_ino
