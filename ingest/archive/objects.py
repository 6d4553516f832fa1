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
from io import BufferedReader
from pathlib import Path

from ingest.errors import CannotWrite
from ingest.store.engine import make_private_directory

_CHUNK = 1 << 20  # bytes read at once
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

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._tmp = directory / "tmp"
        self._named = directory / "sha256"

    def path_of(self, sha256: str) -> Path:
        """Where the object with this digest lies, or would lie."""
        return self._named / sha256[:2] / sha256

    def make_directories(self) -> None:
        """The directories objects are written to exist; raises `CannotWrite` where they cannot."""
        try:
            make_private_directory(self._tmp)
            make_private_directory(self._named)
        except OSError as error:
            raise _cannot_write(self.directory, error) from error

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
        is kept. Nothing staged is left behind either way.
        """
        if not staged:
            return
        try:
            with ThreadPoolExecutor(max_workers=min(_SYNCS, len(staged))) as pool:
                list(pool.map(os.fsync, [s.handle for s in staged]))
            shards = {self._give_name(s) for s in staged}
            for shard in sorted(shards):
                _sync_directory(shard)
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
        return self.path_of(sha256).open("rb")

    def digests(self) -> Iterator[str]:
        """The digests of all objects, shard by shard; names that are no digest too."""
        for shard in _names(self._named):
            yield from _names(self._named / shard)

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
        if not path.parent.exists():
            make_private_directory(path.parent)
            _sync_directory(self._named)
        with suppress(FileNotFoundError):
            if path.stat().st_size == staged.size:
                return path.parent
        staged.tmp.rename(path)
        return path.parent


class _TargetFailed(Exception):
    """The archive could not be written, as opposed to the source not read."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause)
        self.cause = cause


def _copy(source: int, target: int, expected: int, should_stop: Callable[[], bool]) -> tuple[str, int]:
    """Copy to the end of `source`; the digest and the number of bytes."""
    hasher, size = hashlib.sha256(), 0
    while size <= expected and (chunk := os.read(source, _CHUNK)):
        if should_stop():
            raise Abandoned
        hasher.update(chunk)
        size += len(chunk)
        _write_all(target, chunk)
    return hasher.hexdigest(), size


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]
    except OSError as error:
        raise _TargetFailed(error) from error


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _names(directory: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return sorted(entry.name for entry in directory.iterdir())
    return []


def _cannot_write(directory: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"cannot write the archive {directory}: {error.strerror}",
        hint="free the disk or mend the mount; nothing was lost",
    )
