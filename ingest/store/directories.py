"""Directories only their owner can read, whatever the umask, that are still there after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ingest.errors import CannotWrite

_OTHERS = 0o077


def make_private_directory(path: Path) -> None:
    """The directory `path` stands, its missing parents too; each that is made is private.

    Their names have reached the disk: what lies in them does not vanish with
    a power cut. Raises `CannotWrite`.
    """
    try:
        for missing in [p for p in (*reversed(path.parents), path) if not p.exists()]:
            _make(missing)
    except OSError as error:
        raise CannotWrite(
            f"cannot make the directory {path}: {error.strerror}",
            hint="free the disk or mend the mount; nothing was lost",
        ) from error


def sync_directory(path: Path) -> None:
    """The names in the directory `path` are on the disk; raises `OSError`."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_to_others(path: Path) -> bool:
    """True when somebody besides the owner may read or write what stands at `path`."""
    with suppress(OSError):
        return bool(path.stat().st_mode & _OTHERS)
    return False


def _make(path: Path) -> None:
    """One directory; where its name does not reach the disk there is none, and another try begins anew."""
    path.mkdir(mode=0o700, exist_ok=True)
    try:
        path.chmod(0o700)
        with suppress(PermissionError):  # a parent that may be entered and not listed is not ours to sync
            sync_directory(path.parent)
    except OSError:
        with suppress(OSError):
            path.rmdir()
        raise
