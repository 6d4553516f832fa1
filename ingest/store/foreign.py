"""Opening the files of others in a process that has the database open.

One of them may be the database itself, or its log, under another name: a hard
link. To open it would do no harm, but to close it again would let go of every
lock that SQLite holds on it here (see `soundness`). So a file is reached without
being opened, looked at, and only then opened: the very file that was looked at,
whatever is renamed meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_REACH = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC
_HANDLES = "/proc/self/fd"
_CAN_REACH = hasattr(os, "O_PATH") and Path(_HANDLES).is_dir()
_PARTS = ("", "-wal", "-shm")  # of a database


class OwnFile(OSError):
    """What was to be opened is part of the database of this very store; it was not opened."""

    def __init__(self, found: os.stat_result) -> None:
        self.found = found
        super().__init__(errno.EBUSY, "it is part of the database of this store, under another name")


def own_inodes(database: Path) -> frozenset[tuple[int, int]]:
    """Device and inode of every file that the database consists of now."""
    found = set()
    for part in _PARTS:
        with suppress(OSError):
            there = os.stat(f"{database}{part}")  # noqa: PTH116  # asked for every file that lands
            found.add((there.st_dev, there.st_ino))
    return frozenset(found)


def open_foreign(name: bytes | str, database: Path, *, folder: int | None = None, flags: int = _READ) -> int:
    """A descriptor of the regular file `name` in the folder open as `folder`; no link is followed.

    Raises `OwnFile` for a part of `database`, `OSError` for what is no file or
    cannot be opened: neither is opened. Only where the system cannot reach a
    file without opening it is there a moment in which it could be swapped.
    """
    if not _CAN_REACH:
        _check(os.lstat(name, dir_fd=folder), database)
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
    reached = os.open(name, _REACH, dir_fd=folder)
    try:
        _check(os.fstat(reached), database)
        return os.open(f"{_HANDLES}/{reached}", flags)
    finally:
        os.close(reached)


def _check(found: os.stat_result, database: Path) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.ENXIO, "it is not a file")
    # A file with one name is no part of the database, which has its own; asking each time would cost more.
    if found.st_nlink > 1 and (found.st_dev, found.st_ino) in own_inodes(database):
        raise OwnFile(found)
