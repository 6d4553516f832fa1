"""Who removes objects has a lock on a file beside the database; the kernel drops it with the process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import CannotWrite

_NAME = "removal.lock"


@contextmanager
def removing(directory: Path) -> Iterator[None]:
    """The lock is ours; whoever else wants it waits. Raises `CannotWrite` where the disk refuses the file."""
    try:
        handle = os.open(directory / _NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise CannotWrite(
            f"cannot create {directory / _NAME}: {error.strerror}", hint="free the disk; nothing was lost"
        ) from error
    try:
        os.fchmod(handle, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_removing(directory: Path) -> bool:
    """True while somebody has the lock, in whatever process."""
    try:
        handle = os.open(directory / _NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
