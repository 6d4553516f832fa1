"""The errors of the SQLite driver, in our words and with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ingest.errors import CannotWrite, IngestError, StoreReplaced, StoreUnusable, TryAgain
from ingest.filesystems import room_trouble
from ingest.store.sqlite.driver import is_busy, is_damage, sqlite_module
from ingest.store.sqlite.soundness import TO_CONFIRM, damage, is_readable

_REFUSED = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_NOMEM")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of the driver, in our words; nothing may be open in the block when it ends."""
    try:
        yield
    except DBAPIError as error:
        raise _in_our_words(error.orig, path) or error from error
    except sqlite_module().Error as error:
        raise _in_our_words(error, path) or error from error


def replaced(path: Path) -> StoreReplaced:
    """The database file is not the one that was opened."""
    return StoreReplaced(
        f"the database {path} was replaced or deleted while in use",
        hint="stop every ingest process, put the right file back and start again",
    )


def log_taken_away(path: Path) -> StoreReplaced:
    """The write-ahead log beside the database is not the one that is written to."""
    return StoreReplaced(
        f"the log of the database {path} was removed or replaced while in use",
        hint="stop every ingest process, which saves what they still hold, and start again",
    )


def refused(path: Path, said: str) -> CannotWrite:
    """The disk refuses; that it is full or read-only is said rather than what SQLite makes of it."""
    said = room_trouble(path.parent) or said
    return CannotWrite(
        f"cannot write {path}: {said}", hint="free the disk or mend the mount; nothing was lost"
    )


def _in_our_words(error: BaseException | None, path: Path) -> Exception | None:
    name, said = str(getattr(error, "sqlite_errorname", "")), str(error)
    if is_busy(error):
        return TryAgain(
            f"the database {path} stayed locked", hint="see which process holds it, then try again"
        )
    if name == "SQLITE_READONLY_DBMOVED":
        return replaced(path)
    if is_damage(error):
        return damaged_or_refused(path, said)
    if name.startswith(_REFUSED):
        return refused(path, said)
    return None


def damaged_or_refused(path: Path, said: str) -> IngestError:
    """SQLite calls a file damaged that the disk only failed to read: the file itself is asked again."""
    if not is_readable(path, seconds=TO_CONFIRM):
        return refused(path, "the disk cannot read it")
    try:
        found = damage(path, seconds=TO_CONFIRM, is_thorough=True)
    except sqlite_module().Error as error:
        return refused(path, str(error))
    if found == "":
        return refused(path, f"{said}, but the file is sound: a read failed")
    return StoreUnusable(  # also where the time did not suffice to disprove it
        f"{path} is damaged or is not a database: {said}",
        hint="stop every ingest process and restore the newest backup; see `ingest db check`",
    )
