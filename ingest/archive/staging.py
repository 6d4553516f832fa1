"""Contents on their way into the archive: copied and hashed in one read, without a name of their own yet.

    tmp/<owner>.<random>        being written, or left behind by an owner that died

Directories are 0700 and files 0600 whatever the umask.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import CannotWrite
from ingest.store.directories import make_private_directory

_CHUNK = 1 << 20  # bytes read at once
_HOLE = bytes(_CHUNK)  # what a hole in a sparse file reads as


@dataclass(slots=True, kw_only=True)
class Staged:
    """Bytes in `tmp` that have no name yet; they must be stored or discarded."""

    tmp: Path
    handle: int  # negative once it is closed
    sha256: str = ""
    size: int = 0


class Abandoned(Exception):
    """The copy was given up because the process is to stop."""


class Staging:
    """The directory `tmp` within `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._tmp = directory / "tmp"

    def make_directory(self) -> None:
        """What is staged has a place; raises `CannotWrite` where it cannot."""
        make_private_directory(self._tmp)

    def is_made(self) -> bool:
        """True when there is a place for what is staged."""
        return self._tmp.exists()

    def stage(self, source: int, owner: str, *, expected: int, should_stop: Callable[[], bool]) -> Staged:
        """What can be read from the file descriptor `source` lies hashed in `tmp`.

        Reading ends soon after `expected` bytes: a file that grows faster than
        it is copied would never end.
        Raises `CannotWrite` when the disk refuses, `OSError` when `source`
        cannot be read, `Abandoned` when the process is to stop; nothing is
        left behind then.
        """
        staged = self._begin(self._tmp / f"{owner}.{secrets.token_hex(8)}")
        try:
            staged.sha256, staged.size = _copy(source, staged.handle, expected, should_stop)
        except _TargetFailed as error:
            self.discard([staged])
            raise cannot_write(self.directory, error.cause) from error.cause
        except BaseException:
            self.discard([staged])
            raise
        return staged

    def discard(self, staged: Sequence[Staged]) -> None:
        """Nothing of `staged` is left in `tmp`; safe to repeat."""
        for s in staged:
            with suppress(OSError):
                if s.handle >= 0:
                    os.close(s.handle)
            with suppress(OSError):
                s.tmp.unlink(missing_ok=True)
            s.handle = -1

    def unfinished(self) -> Iterator[tuple[str, str]]:
        """What lies in `tmp`, as (name, owner)."""
        return ((name, name.rpartition(".")[0]) for name in names(self._tmp))

    def sweep(self, *, is_dead: Callable[[str], bool]) -> list[str]:
        """What owners that are dead left in `tmp` is gone; returns the names."""
        left = [name for name, owner in self.unfinished() if is_dead(owner)]
        for name in left:
            (self._tmp / name).unlink(missing_ok=True)
        return left

    def _begin(self, tmp: Path) -> Staged:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
        try:
            staged = Staged(tmp=tmp, handle=os.open(tmp, flags, 0o600))
            os.fchmod(staged.handle, 0o600)
        except OSError as error:
            raise cannot_write(self.directory, error) from error
        return staged


class _TargetFailed(Exception):
    """The archive could not be written, as opposed to the source not read."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause)
        self.cause = cause


def _copy(source: int, target: int, expected: int, should_stop: Callable[[], bool]) -> tuple[str, int]:
    """Copy to the end of `source`, holes as holes; the digest and the number of bytes."""
    hasher, size = hashlib.sha256(), 0
    while size <= expected and (chunk := os.read(source, _CHUNK)):
        if should_stop():
            raise Abandoned
        hasher.update(chunk)
        size += len(chunk)
        if chunk == _HOLE:
            _make_hole(target, size)
        else:
            _write_all(target, chunk)
    return hasher.hexdigest(), size


def _make_hole(handle: int, size: int) -> None:
    """The file is `size` bytes long, and what was added takes no room on the disk."""
    try:
        os.ftruncate(handle, size)
        os.lseek(handle, size, os.SEEK_SET)
    except OSError as error:
        raise _TargetFailed(error) from error


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]
    except OSError as error:
        raise _TargetFailed(error) from error


def names(directory: Path) -> list[str]:
    """The names in a directory, sorted; none where there is no directory."""
    # Not `iterdir`: a Path keeps its name in a table of the interpreter, which grows with every other one.
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries)
    return []


def cannot_write(directory: Path | str, error: OSError) -> CannotWrite:
    """What is to be archived cannot be kept on the disk now."""
    return CannotWrite(
        f"cannot write the archive {directory}: {error.strerror}",
        hint="free the disk or mend the mount; nothing was lost",
    )
