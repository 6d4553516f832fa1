"""Proof of life between processes of one host: a lock file each worker holds while it lives.

The kernel drops the lock with the process, whatever ended it, so a `kill -9`
is known at once and nobody waits out a lease. The file also carries the
worker's board: for each child, which delivery it runs. It outlives them both,
so that a crash is charged to the delivery that ran and to no other.

A lock proves something only of who began in the same directory. Hosts may
have one name, and containers or projects of one host directories of their
own: so each id says in which it was given.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import re
import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest.errors import CannotWrite, WorkerLost
from ingest.store.directories import make_private_directory

CHILDREN = 256  # slots on a board
_SLOT = struct.Struct(
    "<qqqqq"
)  # lane id (0: none), keyseq, fence, start and deadline in monotonic nanoseconds
_SIZE = CHILDREN * _SLOT.size
_TROUBLE = 512  # bytes behind the slots: what is wrong with the process now
_PLACE = re.compile(rb"[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Running:
    """The delivery a child runs, as it stands on the board."""

    lane_id: int
    keyseq: int
    fence: int
    started_ns: int  # time.monotonic_ns() of this host
    deadline_ns: int = 0  # when its time is up; 0: never


class Board:
    """Shared memory in which each child says, without a system call, what it runs."""

    def __init__(self, handle: int) -> None:
        self._memory = mmap.mmap(handle, _SIZE)

    def write(self, slot: int, running: Running | None) -> None:
        """Slot `slot` says what its child runs now; None: nothing."""
        at = slot * _SLOT.size
        if running is None:
            _SLOT.pack_into(self._memory, at, 0, 0, 0, 0, 0)
        else:
            r = running
            _SLOT.pack_into(self._memory, at, r.lane_id, r.keyseq, r.fence, r.started_ns, r.deadline_ns)

    def read(self, slot: int) -> Running | None:
        """What the child of `slot` ran last; None when nothing."""
        found = Running(*_SLOT.unpack_from(self._memory, slot * _SLOT.size))
        return found if found.lane_id else None

    def close(self) -> None:
        """Unmap the board; the file keeps what it says."""
        self._memory.close()


class Presence:
    """This process is alive, for as long as it is and `leave` was not called; raises `CannotWrite`."""

    def __init__(self, directory: Path, kind: str) -> None:
        self.kind, self.host = kind, host()
        make_private_directory(directory)
        self.id = f"{kind}-{_made_place(directory)}{secrets.token_hex(5)}"
        self.path = directory / f"{self.id}.lock"
        try:
            self.handle = _locked(self.path)
            self.board = Board(self.handle)
        except OSError as error:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            raise _refused(self.path, error) from error

    def is_shown(self) -> bool:
        """False when somebody took the lock file away: others take this process for dead."""
        try:
            return self.path.exists()
        except OSError:  # a disk that fails: nothing is proved by that
            return True

    def check_shown(self) -> None:
        """Raise `WorkerLost` when the lock file was taken away."""
        if not self.is_shown():
            raise _unshown()

    def say(self, trouble: str) -> None:
        """Whoever looks at the lock file sees what is wrong now, empty for nothing; no space is needed."""
        said = trouble.encode()[:_TROUBLE].ljust(_TROUBLE, b"\0")
        with suppress(OSError):  # the disk that is in trouble may be this one: then silence tells
            os.pwrite(self.handle, said, _SIZE)

    def leave(self) -> None:
        """The process goes by itself: its file goes with it."""
        self.board.close()
        with suppress(OSError):  # a file that stays tells that we died, which is true soon enough
            self.path.unlink(missing_ok=True)
        os.close(self.handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


@contextmanager
def board_at(lock: Path) -> Iterator[Board]:
    """The board of a worker of this host; raises `WorkerLost` where its file is gone, `CannotWrite`."""
    try:
        with open(lock, "r+b") as file:  # noqa: PTH123  # a handle to map
            board = Board(file.fileno())
    except FileNotFoundError as error:
        raise _unshown() from error
    except OSError as error:
        raise _refused(lock, error) from error
    yield board


def trouble_of(directory: Path, worker_id: str) -> str:
    """What the worker, of this host, says is wrong now; empty where nothing is, or nobody says."""
    with suppress(OSError), open(directory / f"{worker_id}.lock", "rb") as file:  # noqa: PTH123  # read as bytes
        file.seek(_SIZE)
        return file.read(_TROUBLE).rstrip(b"\0").decode(errors="replace")
    return ""


def directory_of(store_path: Path) -> Path:
    """Where the lock files of a store's workers lie."""
    return store_path.parent / "workers"


def _unshown() -> WorkerLost:
    return WorkerLost("this worker's lock file is gone, so that others take it for dead")


def _refused(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(f"cannot write {path}: {error.strerror}", hint="free the disk or mend the mount")


def _locked(path: Path) -> int:
    """A new private lock file, held; its space is taken now, for a full disk must not stop the board."""
    while True:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            break
        os.close(handle)  # it was swept up before it was locked
    try:
        os.fchmod(handle, 0o600)
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(bytes(_SIZE + _TROUBLE))
    except BaseException:
        os.close(handle)
        raise
    return handle


def host() -> str:
    """This host's name, as workers give it."""
    return socket.gethostname()


def is_dead(directory: Path, worker_id: str) -> bool:
    """True when the worker is proved dead: it began in this directory, and nobody holds its lock."""
    place = _place(directory)
    is_of_here = bool(place) and worker_id.rpartition("-")[2].startswith(place)
    return _is_free(directory, worker_id) and (is_of_here or (directory / f"{worker_id}.lock").exists())


def _is_free(directory: Path, worker_id: str) -> bool:
    """True when nobody holds the lock of who began in this directory, or its file is gone."""
    try:
        handle = os.open(directory / f"{worker_id}.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:  # out of descriptors, or a disk that fails: nothing is proved by that
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: others may ask at the same moment
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def last_words(directory: Path, worker_id: str) -> list[Running] | None:
    """What the children of a dead worker ran when it died; None where its file is not on this host."""
    with suppress(OSError, ValueError), open(directory / f"{worker_id}.lock", "r+b") as file:  # noqa: PTH123  # a handle to map
        board = Board(file.fileno())
        found = [running for slot in range(CHILDREN) if (running := board.read(slot)) is not None]
        board.close()
        return found
    return None


def forget(directory: Path, worker_id: str) -> None:
    """The lock file of a dead worker is gone, where it can be removed; that of a living one stays."""
    path = directory / f"{worker_id}.lock"
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(handle)


def abandoned(directory: Path) -> list[str]:
    """Who left a file here and lives no more: killed at their start, at their end, or in between."""
    found = sorted({path.stem for path in directory.glob("*.*")})
    return [worker_id for worker_id in found if _is_free(directory, worker_id)]


def _made_place(directory: Path) -> str:
    """As `_place`; it is made where there is none, and raises `CannotWrite`."""
    path = _path_of_place(directory)
    try:
        with suppress(FileExistsError), path.open("x") as file:
            file.write(secrets.token_hex(3))
    except OSError as error:
        raise _refused(path, error) from error
    return _place(directory)  # empty while another is about to write it: our lease tells, then


def _place(directory: Path) -> str:
    """What the ids begin with that are given in this directory and in no other; empty where there is none.

    A mark may be copied with its directory, to another host too: so its inode and the name of the host count.
    """
    with suppress(OSError), _path_of_place(directory).open("rb") as file:
        said = file.read()
        if _PLACE.fullmatch(said):  # a power cut may leave anything
            told = f"{said.decode()}/{os.fstat(file.fileno()).st_ino}/{host()}"
            return hashlib.sha256(told.encode()).hexdigest()[:6]
    return ""


def _path_of_place(directory: Path) -> Path:
    return directory.with_name("place")
