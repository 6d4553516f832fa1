"""Where the files of a source go once they have landed: nowhere, away, or into another directory.

What is taken out lies under its private name and was checked to be the very
file that landed. Nothing that lies in the other directory is ever replaced.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from ingest.domain.showing import show
from ingest.filesystems import mount_point_of
from ingest.store.departures import Departure
from ingest.store.foreign import open_foreign
from ingest.watch.names import rename_without_replacing

_CHUNK = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_WRITE = os.O_RDWR | os.O_CLOEXEC
_MARK = 12  # hex digits of the digest in a name that was taken
_LONGEST = 255  # bytes of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """A file under its private name, about to be taken out."""

    folder: int  # descriptor of the folder it lies in
    private: bytes  # its name there
    handle: int  # the file itself, open for reading
    departure: Departure
    database: Path  # which is never opened


class Exit(Protocol):
    """What `after` says is to become of a file that has landed."""

    def take_out(self, parting: Parting) -> str:
        """The file has left; what became of it, for people. Raises `OSError` where it cannot."""

    def sync(self) -> None:
        """What `take_out` did survives a power cut."""

    def forget(self, departure: Departure, database: Path) -> None:
        """The departure has ended, whatever it came to: nothing half made of it is left elsewhere."""


class Kept:
    """It stays, or is given its name back: the setting was another one when it landed."""

    def take_out(self, parting: Parting) -> str:
        """The file has its name again."""
        put_back(parting.folder, parting.private, parting.departure.path)
        return "kept"

    def sync(self) -> None:
        """Nothing is to be done."""

    def forget(self, departure: Departure, database: Path) -> None:
        """Nothing was made."""


class Deleted:
    """It is gone."""

    def take_out(self, parting: Parting) -> str:
        """The private name is gone, and the file with it unless it has other names."""
        with suppress(FileNotFoundError):  # another watcher was quicker
            os.unlink(parting.private, dir_fd=parting.folder)
        return "deleted"

    def sync(self) -> None:
        """Nothing is to be done elsewhere than in the folder it left."""

    def forget(self, departure: Departure, database: Path) -> None:
        """Nothing was made."""


@dataclass(slots=True)
class Moved:
    """It lies in `directory`, at the same relative path, and on what was mounted there before."""

    directory: Path
    _mounted_at: Path = field(init=False)
    _folders: dict[bytes, int] = field(default_factory=dict)  # open since the last `sync`

    def __post_init__(self) -> None:
        self._mounted_at = mount_point_of(self.directory)

    def take_out(self, parting: Parting) -> str:
        """The file is in the directory; beside another of its name, its own carries a piece of its digest."""
        if parting.departure.is_announcer:
            digest = digest_of_file(parting.handle)
            parting = replace(parting, departure=replace(parting.departure, sha256=digest))
        above, _, name = parting.departure.path.rpartition(b"/")
        target = self._folder(above)
        for candidate in _candidates(name, parting.departure.sha256):
            with suppress(FileExistsError):
                _move(parting, target, candidate)
                return f"moved to {self.directory / show(above) / show(candidate)}"
        raise FileExistsError(errno.EEXIST, f"other files have its name in {self.directory}")

    def sync(self) -> None:
        """The names given since the last time are on disk."""
        folders, self._folders = self._folders, {}
        try:
            for handle in folders.values():
                os.fsync(handle)
        finally:
            for handle in folders.values():
                os.close(handle)

    def forget(self, departure: Departure, database: Path) -> None:
        """What a watcher that died while it copied the file has left is gone, where that can be."""
        above, piece = departure.path.rpartition(b"/")[0], _piece_of(departure)
        if os.path.lexists(self.directory / os.fsdecode(above) / os.fsdecode(piece)):
            with suppress(OSError):  # another watcher copies it, or what hinders us is said elsewhere
                _remove_piece(self._folder(above), piece, database)

    def _folder(self, path: bytes) -> int:
        """The folder at `path` below the directory, made where it is missing, open until `sync`."""
        handle = self._folders.get(path)
        if handle is None:
            if path:
                above, _, name = path.rpartition(b"/")
                parent = self._folder(above)
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=parent)
                handle = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            else:
                handle = self._open_directory()
            self._folders[path] = handle
        return handle

    def _open_directory(self) -> int:
        """The directory, made where it is missing; never what lies beneath a mount that went."""
        mounted_at = mount_point_of(self.directory)
        if mounted_at != self._mounted_at and self._mounted_at.is_relative_to(mounted_at):
            raise OSError(errno.ENOENT, f"nothing is mounted at {self._mounted_at} any more")
        self._mounted_at = mounted_at
        self.directory.mkdir(parents=True, exist_ok=True)
        return os.open(self.directory, _DIRECTORY)


def exit_of(after: str) -> Exit:
    """The exit that the setting names."""
    if after == "keep":
        return Kept()
    return Deleted() if after == "delete" else Moved(Path(after.removeprefix("move:")))


def put_back(folder: int, private: bytes, path: bytes) -> None:
    """The file under the private name has its own again; raises `FileExistsError` where another has it."""
    name = path.rpartition(b"/")[2]
    with suppress(FileNotFoundError):  # another watcher was quicker
        rename_without_replacing(private, name, old_folder=folder, new_folder=folder)


def _candidates(name: bytes, digest: str) -> Iterator[bytes]:
    stem, dot, extension = name.rpartition(b".")
    if not stem:
        stem, dot, extension = name, b"", b""
    yield name
    for length in (_MARK, len(digest)):
        ending = b"-%b%b%b" % (digest[:length].encode(), dot, extension)
        yield stem[: max(_LONGEST - len(ending), 1)] + ending


def _move(parting: Parting, target: int, name: bytes) -> None:
    """The file is called `name` in the folder `target`; raises `FileExistsError` if another one is."""
    try:
        rename_without_replacing(parting.private, name, old_folder=parting.folder, new_folder=target)
    except FileExistsError:
        if not _holds(target, name, parting):
            raise
        _drop(parting)
    except FileNotFoundError:  # another watcher was quicker
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(parting, target, name)


def _copy(parting: Parting, target: int, name: bytes) -> None:
    """As `_move`, onto another filesystem: a whole copy is on disk before the file goes."""
    if not _holds(target, name, parting):
        with _workpiece(target, parting) as (handle, piece):
            _fill(handle, parting)
            rename_without_replacing(piece, name, old_folder=target, new_folder=target)
    os.fsync(target)
    _drop(parting)


@contextmanager
def _workpiece(target: int, parting: Parting) -> Iterator[tuple[int, bytes]]:
    """An empty file in `target` that nobody else writes, and its name; it is gone afterwards, if not renamed.

    A watcher that dies leaves it, and the next one that tries takes it over.
    """
    name = _piece_of(parting.departure)
    try:
        handle = os.open(name, _WRITE | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=target)
    except FileExistsError:
        handle = open_foreign(name, parting.database, folder=target, flags=_WRITE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), os.lstat(name, dir_fd=target)):
            raise BlockingIOError(errno.EAGAIN, "another watcher has just moved it")
        os.ftruncate(handle, 0)
        try:
            yield handle, name
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=target)
    finally:
        os.close(handle)


def _piece_of(departure: Departure) -> bytes:
    """What a copy is called until it is whole."""
    return b".%b.moving" % departure.ticket.encode()


def _remove_piece(target: int, name: bytes, database: Path) -> None:
    """The file is gone; raises `OSError` where somebody writes it."""
    handle = open_foreign(name, database, folder=target, flags=_WRITE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name, dir_fd=target)
    finally:
        os.close(handle)


def _fill(handle: int, parting: Parting) -> None:
    """The very bytes that landed, with the mode and mtime of the file, are in `handle` and on disk."""
    digest, offset = sha256(), 0
    while chunk := os.pread(parting.handle, _CHUNK, offset):
        offset += len(chunk)
        digest.update(chunk)
        left = memoryview(chunk)
        while left:
            left = left[os.write(handle, left) :]
    if digest.hexdigest() != parting.departure.sha256:
        raise OSError(errno.EIO, "what was copied is not what landed")
    found = os.fstat(parting.handle)
    with suppress(PermissionError):  # some filesystems have no modes
        os.fchmod(handle, stat.S_IMODE(found.st_mode) & 0o777)
    os.utime(handle, ns=(found.st_atime_ns, found.st_mtime_ns))
    os.fsync(handle)


def _holds(folder: int, name: bytes, parting: Parting) -> bool:
    """True when the file `name` has the very bytes that landed."""
    try:
        handle = open_foreign(name, parting.database, folder=folder)
    except OSError:
        return False
    try:
        landed = parting.departure
        is_alike = os.fstat(handle).st_size == landed.delivered.size
        return is_alike and digest_of_file(handle) == landed.sha256
    finally:
        os.close(handle)


def digest_of_file(handle: int) -> str:
    """The SHA-256 of all bytes of the open file, in hex."""
    digest, offset = sha256(), 0
    while chunk := os.pread(handle, _CHUNK, offset):
        offset += len(chunk)
        digest.update(chunk)
    return digest.hexdigest()


def _drop(parting: Parting) -> None:
    with suppress(FileNotFoundError):
        os.unlink(parting.private, dir_fd=parting.folder)
