"""Large contents as files named by their digest, written so that a name never stands for less than its bytes.

    tmp/<owner>.<random>        being written, or left behind by an owner that died
    sha256/ab/<digest>          whole, on the disk, never modified again

Bytes go to `tmp`, are hashed on the way, reach the disk, and only then get
their name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO

from ingest.archive.objects import Objects, never
from ingest.archive.staging import Staged, Staging, cannot_write, names
from ingest.errors import Unreachable
from ingest.store.directories import make_private_directory, sync_directory

_BUFFER = 128 << 10  # bytes of an object that is read
_SYNCS = 8  # fsyncs in flight: the disk merges them


class DirectoryObjects(Objects):
    """The directory of archived objects."""

    grace = 60.0

    def __init__(self, directory: Path, *, is_expected: Callable[[], bool] = never) -> None:
        super().__init__(Staging(directory), is_expected=is_expected)
        self._named = directory / "sha256"

    @property
    def place(self) -> str:
        """The directory."""
        return str(self.directory)

    def path_of(self, sha256: str) -> Path:
        """Where the object with this digest lies, or would lie."""
        return self._named / sha256[:2] / sha256

    def are_there(self) -> bool:
        """True when the directory of the objects can be seen; False where it is not mounted."""
        return self._named.is_dir()

    def begin(self) -> None:
        """The directories are there."""
        try:
            make_private_directory(self._named)
        except OSError as error:
            raise cannot_write(self.directory, error) from error

    def store(
        self,
        staged: Sequence[Staged],
        *,
        should_stop: Callable[[], bool] = never,  # noqa: ARG002  # no disk takes long
    ) -> None:
        """Bytes and names are on the disk when this returns.

        An object that is there already is replaced by the same bytes, which
        this call has seen reach the disk.
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
            raise cannot_write(self.directory, error) from error
        finally:
            self.discard(staged)

    def read(self, sha256: str) -> tuple[BinaryIO, str]:
        """The file itself; a disk that fails while it is read is an outage."""
        with ExitStack() as unless_read:
            try:
                file = unless_read.enter_context(self._open(sha256))
                found = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
            except FileNotFoundError as error:
                if not self.are_there():
                    raise _unreadable(self.directory, error) from error
                raise
            except OSError as error:
                raise _unreadable(self.directory, error) from error
            unless_read.pop_all()
        return file, found

    def digest_of(self, sha256: str) -> str:
        """Of the file; empty where the disk does not give it."""
        try:
            with self._open(sha256) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise
        except (OSError, Unreachable):
            return ""

    def shards(self) -> Iterator[list[str]]:
        """Directory by directory."""
        return (names(self._named / shard) for shard in names(self._named))

    def changed_at(self, sha256: str) -> float:
        """By the change time of the file."""
        # No Path, for the same reason as in `names`.
        return os.stat(f"{self._named}/{sha256[:2]}/{sha256}").st_ctime  # noqa: PTH116

    def has(self, sha256: str) -> bool:
        """As the directory lists it."""
        return self.path_of(sha256).exists()

    def remove(self, digests: Sequence[str]) -> None:
        """Their names are gone from the disk."""
        try:
            shards = set[Path]()
            for path in map(self.path_of, digests):
                path.unlink(missing_ok=True)
                shards.add(path.parent)
            for shard in sorted(shard for shard in shards if shard.is_dir()):
                sync_directory(shard)
        except OSError as error:
            raise cannot_write(self.directory, error) from error

    def _open(self, sha256: str) -> BufferedReader:
        return BufferedReader(_Object(self.path_of(sha256)), _BUFFER)

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
            raise _unreadable(Path(os.fsdecode(self.name)), error) from error


def _unreadable(path: Path, error: OSError) -> Unreachable:
    """The archive cannot be read now; what is in it may be whole all the same."""
    return Unreachable(
        f"the archive cannot be read at {path}: {error.strerror}",
        hint="mount it or mend the disk; everything goes on by itself",
    )
