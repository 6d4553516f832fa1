"""Large contents as files named by their digest, written so that a name never stands for less than its bytes.

    tmp/<owner>.<random>        being written, or left behind by an owner that died
    sha256/ab/<digest>          whole, on the disk, never modified again

Bytes go to `tmp`, are hashed on the way, reach the disk, and only then get
their name. Directories are 0700 and files 0600 whatever the umask.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any

from ingest.errors import CannotWrite, Unreachable
from ingest.store.directories import make_private_directory, sync_directory

_CHUNK = 1 << 20  # bytes read at once
_HOLE = bytes(_CHUNK)  # what a hole in a sparse file reads as
_BUFFER = 128 << 10  # bytes of an object that is read
_SYNCS = 8  # fsyncs in flight: the disk merges them


@dataclass(slots=True, kw_only=True)
class Staged:
    """Bytes in `tmp` that have no name yet; they must be stored or discarded."""

    tmp: Path
    handle: int  # negative once it is closed
    sha256: str = ""
    size: int = 0


class Abandoned(Exception):
    """The copy was given up because the process is to stop."""


class Objects:
    """The directory of archived objects."""

    def __init__(self, directory: Path, *, is_expected: Callable[[], bool] = lambda: False) -> None:
        self.directory = directory
        self._is_expected = is_expected  # objects were stored before: then no new directory is made for them
        self._tmp = directory / "tmp"
        self._named = directory / "sha256"

    def path_of(self, sha256: str) -> Path:
        """Where the object with this digest lies, or would lie."""
        return self._named / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """True when the object with this digest lies there."""
        return self.path_of(sha256).exists()

    def remove(self, digests: Sequence[str]) -> None:
        """No object with one of these digests lies there, for good; raises `CannotWrite`."""
        try:
            shards = set[Path]()
            for path in map(self.path_of, digests):
                path.unlink(missing_ok=True)
                shards.add(path.parent)
            for shard in sorted(shard for shard in shards if shard.is_dir()):
                sync_directory(shard)
        except OSError as error:
            raise _cannot_write(self.directory, error) from error

    def are_there(self) -> bool:
        """True when the directory of the objects can be seen; False where it is not mounted."""
        return self._named.is_dir()

    def make_directories(self) -> None:
        """The directories objects are written to exist; raises `CannotWrite` where they cannot.

        Where objects should be and are not, nothing is made: what is written
        below the place of a mount that is gone would be lost with the next mount.
        """
        if not self.are_there() and self._is_expected():
            raise CannotWrite(
                f"the archive {self.directory} has gone, with all its objects",
                hint="mount it, or restore it from a backup; everything goes on by itself",
            )
        make_private_directory(self._tmp)
        make_private_directory(self._named)

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
            raise _cannot_write(self.directory, error.cause) from error.cause
        except BaseException:
            self.discard([staged])
            raise
        return staged

    def store(self, staged: Sequence[Staged]) -> None:
        """Every one of `staged` is an object, and its bytes and its name are on the disk.

        Raises `CannotWrite` when one is not. An object that is there already
        is replaced by the same bytes, which this call has seen reach the disk:
        what an earlier failure left there is not trusted. Nothing staged is
        left behind either way.
        """
        if not staged:
            return
        try:
            with ThreadPoolExecutor(max_workers=min(_SYNCS, len(staged))) as pool:
                list(pool.map(os.fsync, [s.handle for s in staged]))
            shards = {self._give_name(s) for s in staged}
            for shard in sorted(shards):
                sync_directory(shard)
        except OSError as error:
            raise _cannot_write(self.directory, error) from error
        finally:
            self.discard(staged)

    def discard(self, staged: Sequence[Staged]) -> None:
        """Nothing of `staged` is left in `tmp`; safe to repeat."""
        for s in staged:
            with suppress(OSError):
                if s.handle >= 0:
                    os.close(s.handle)
            with suppress(OSError):
                s.tmp.unlink(missing_ok=True)
            s.handle = -1

    def open(self, sha256: str) -> BufferedReader:
        """The object with this digest as it lies there, not verified; raises `FileNotFoundError`."""
        return BufferedReader(_Object(self.path_of(sha256)), _BUFFER)

    def shards(self) -> Iterator[list[str]]:
        """The digests of all objects, directory by directory; names that are no digest too."""
        return (_names(self._named / shard) for shard in _names(self._named))

    def changed_at(self, sha256: str) -> float:
        """When the object was made, in seconds since 1970; raises `FileNotFoundError` where there is none."""
        # No Path either, for the same reason as in `_names`.
        return os.stat(f"{self._named}/{sha256[:2]}/{sha256}").st_ctime  # noqa: PTH116

    def unfinished(self) -> Iterator[tuple[str, str]]:
        """What lies in `tmp`, as (name, owner)."""
        return ((name, name.rpartition(".")[0]) for name in _names(self._tmp))

    def sweep(self, *, is_dead: Callable[[str], bool]) -> list[str]:
        """What owners that are dead left in `tmp` is gone; returns the names."""
        left = [name for name, owner in self.unfinished() if is_dead(owner)]
        for name in left:
            (self._tmp / name).unlink(missing_ok=True)
        return left

    def _begin(self, tmp: Path) -> Staged:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        try:
            if not self._tmp.exists():
                self.make_directories()
            staged = Staged(tmp=tmp, handle=os.open(tmp, flags, 0o600))
            os.fchmod(staged.handle, 0o600)
        except OSError as error:
            raise _cannot_write(self.directory, error) from error
        return staged

    def _give_name(self, staged: Staged) -> Path:
        """The directory whose entries must reach the disk."""
        path = self.path_of(staged.sha256)
        make_private_directory(path.parent)
        staged.tmp.rename(path)
        return path.parent


class _Object(FileIO):
    """An object's file; a disk that fails while it is read is an outage, and not its reader's failure."""

    def readinto(self, buffer: Any) -> int:
        """How many bytes were read; raises `Unreachable`."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise unreadable(Path(os.fsdecode(self.name)), error) from error


def unreadable(path: Path, error: OSError) -> Unreachable:
    """The archive cannot be read now; what is in it may be whole all the same."""
    return Unreachable(
        f"the archive cannot be read at {path}: {error.strerror}",
        hint="mount it or mend the disk; everything goes on by itself",
    )


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


def _names(directory: Path) -> list[str]:
    # Not `iterdir`: a Path keeps its name in a table of the interpreter, which grows with every other one.
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries)
    return []


def _cannot_write(directory: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"cannot write the archive {directory}: {error.strerror}",
        hint="free the disk or mend the mount; nothing was lost",
    )
