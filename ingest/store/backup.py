"""A copy of the store as it is at one instant, while others read and write it.

SQLite makes it from one snapshot: nobody waits for the copy, and no write
makes it begin anew; what is written meanwhile stays in the write-ahead log
until it is through. It gets its name once it is whole, checked and on the disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import func, select

from ingest.domain.showing import show
from ingest.errors import CannotWrite, StoreUnusable, UsageError
from ingest.filesystems import give_name, room_trouble
from ingest.store.directories import sync_directory
from ingest.store.engine import Store, revision_in
from ingest.store.schema import events
from ingest.store.sqlite.driver import is_damage, sqlite_module
from ingest.store.sqlite.engine import SqliteStore

Advance = Callable[[int, int], None]  # (bytes copied so far, bytes in all)

_NO_ROOM = "name a file on a disk with room for it"
_NOWHERE = "name a file in a directory that is there"
_STEP = 256  # pages copied between two calls of `advance`
_HEAD = select(func.coalesce(func.max(events.c.position), 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What was copied."""

    bytes: int
    schema: str  # the migration it stands at
    head_position: int  # of the newest event in it


def back_up(store: Store, target: Path, *, advance: Advance = lambda _done, _total: None) -> Backup:
    """A sound and private copy of `store` is at `target`, where nothing was, and it is on the disk.

    The bytes of every event in it were in the archive before it was begun: an
    archive that is copied afterwards lacks none. The store may be older or
    newer than this version.
    Raises `CannotWrite` where the copy cannot be written, also where something
    stands, `StoreUnusable` when the store is damaged or none. Nothing is left
    behind then, nor when `advance` raises. `UsageError` for a store on a server.
    """
    if not isinstance(store, SqliteStore):
        raise UsageError(
            "a store on a server is not copied into a file",
            hint="back it up with pg_dump or the server's own means; see docs/howto/postgresql.md",
        )
    with _new_file(target) as part:
        with store.read() as tx:
            schema = revision_in(tx)  # the snapshot begins with this look
            if schema is None:
                raise StoreUnusable(f"{store.path} is no store", hint="see store.url in ingest.toml")
            head = tx.execute(_HEAD).scalar_one()
            _copy(tx.connection.driver_connection, part, target, advance)
        _refuse_damage(part)
        return Backup(bytes=part.stat().st_size, schema=schema, head_position=head)


def _copy(source: Any, part: Path, target: Path, advance: Advance) -> None:
    driver = sqlite_module()
    page = source.execute("PRAGMA page_size").fetchone()[0]

    def tell(_status: int, remaining: int, total: int) -> None:
        advance((total - remaining) * page, total * page)

    try:
        # No locks: nobody else knows the file, and the disk of a backup may be one that has none.
        with closing(driver.connect(_uri(part, "mode=rw&nolock=1"), uri=True, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode=OFF")
            copy.execute("PRAGMA synchronous=OFF")  # it is synced as a whole, once
            source.backup(copy, pages=_STEP, progress=tell)
    except driver.Error as error:
        if is_damage(error):
            raise
        raise _refused(target, room_trouble(target.parent) or str(error)) from error


def _refuse_damage(part: Path) -> None:
    """Raise `StoreUnusable` unless the copy is sound, read as it lies there."""
    with closing(sqlite_module().connect(_uri(part, "mode=ro&immutable=1"), uri=True)) as copy:
        found = str(copy.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise StoreUnusable(f"the copy of the database is damaged: {found}", hint="see `ingest db check`")


@contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """A private file beside `target` that gets its name when the block ends well, and is gone otherwise."""
    if os.path.lexists(target):  # said before the work is done; what decides is the link
        raise _refused(target, os.strerror(errno.EEXIST), hint="name another file")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        try:
            part.chmod(0o600)
            yield part
            _sync(part)
            give_name(part, target)
        finally:
            part.unlink(missing_ok=True)
        sync_directory(target.parent)
    except OSError as error:
        hint = _NOWHERE if isinstance(error, FileNotFoundError | NotADirectoryError) else _NO_ROOM
        raise _refused(target, str(error.strerror), hint=hint) from error


def _sync(part: Path) -> None:
    handle = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _uri(path: Path, parameters: str) -> str:
    return f"file:{quote(os.fsencode(path.absolute()))}?{parameters}"


def _refused(target: Path, said: str, *, hint: str = _NO_ROOM) -> CannotWrite:
    return CannotWrite(f"cannot write {show(os.fsencode(target))}: {said}", hint=hint)
