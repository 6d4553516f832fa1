"""One file, from its name to its bytes in hand, hashed and whole; or why not.

Opened relative to a held folder, never through a link and never blocking;
checked before and after reading. Nothing here writes to the store.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, NamedTuple

from ingest.archive import Archive, Staged
from ingest.errors import CannotWrite
from ingest.store.foreign import OwnFile, open_foreign
from ingest.store.sightings import Look
from ingest.watch.landing.admission import Admission, refusal_of_own
from ingest.watch.seeing.root import tuple_of
from ingest.watch.seeing.scan import Refusal

_NOT_A_FILE = frozenset({errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.ENOTDIR, errno.EISDIR})
_DENIED = frozenset({errno.EACCES, errno.EPERM})


class Taken(NamedTuple):
    """A whole file: its bytes, or where they are staged."""

    look: Look
    sha256: str
    data: bytes | None
    staged: Staged | None
    complete: str  # how completeness was established
    marker: Look | None = None  # which spoke for it, and leaves with it


class NotTaken(NamedTuple):
    """A file that was not taken, and why."""

    look: Look  # as it is now
    word: Literal["changed", "held", "gone", "blocked", "unwritable", "ignored", "not as announced"]
    reason: str


@dataclass(slots=True, kw_only=True)
class Manner:
    """How the files of a source are taken."""

    archive: Archive
    inline_max: int  # bytes
    owner: Callable[[], str]  # who stages objects
    should_stop: Callable[[], bool]
    complete: str  # stable | renamed | marker | manifest
    leases: bool  # writers are to be detected
    admission: Admission
    objection: Callable[[Taken], str] | None = None  # why the bytes are not those announced, or nothing
    beside: Callable[[Look], Look | None] | None = None  # the marker that leaves with a file

    @property
    def proof(self) -> str:
        """How completeness is established, where the system allows."""
        return f"{self.complete}+lease" if self.leases else self.complete


def ignore_lease_breaks() -> None:
    """SIGIO is ignored: a writer that opens a file while we hold a lease on it would end this process.

    Only the main thread can see to that; elsewhere it is left as it is, and
    `can_detect_writers` tells.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGIO, signal.SIG_IGN)


def can_detect_writers() -> bool:
    """True where a lease can safely tell whether somebody holds a file open for writing."""
    return sys.platform == "linux" and signal.getsignal(signal.SIGIO) == signal.SIG_IGN


def take(folder: int, look: Look, manner: Manner, *, name: bytes = b"") -> Taken | NotTaken | Refusal:
    """The file at `look`, whole, or why it is refused or left where it is.

    `folder` is a descriptor of the folder it lies in, `name` what it is
    called there if not as its path says. Raises `Abandoned`
    when the process is to stop while a large file is copied.
    """
    if look.stat.size == 0 and manner.admission.ignores_empty:
        return NotTaken(look, "ignored", "")
    refusal = manner.admission.refusal(look)
    if refusal is not None:
        return refusal
    own = manner.archive.store.path
    try:
        handle = open_foreign(name or look.path.rpartition(b"/")[2], own, folder=folder)
    except OSError as error:
        return _not_opened(look, error)
    try:
        return _read(handle, look, manner)
    except CannotWrite as error:
        return NotTaken(look, "unwritable", error.message)
    except OSError as error:
        return NotTaken(look, "blocked", f"unreadable: {error.strerror}")
    finally:
        os.close(handle)


def _not_opened(look: Look, error: OSError) -> NotTaken | Refusal:
    if isinstance(error, OwnFile):
        found = Look(look.path, tuple_of(error.found))
        is_seen = found.stat.inode == look.stat.inode
        return refusal_of_own(look) if is_seen else NotTaken(found, "changed", "it changed")
    if error.errno == errno.ENOENT:
        return NotTaken(look, "gone", "")
    if error.errno in _NOT_A_FILE:
        return NotTaken(look, "changed", "it is not a file any more")
    if error.errno == errno.EWOULDBLOCK:
        return NotTaken(look, "held", "another process has a lease on it")
    word = "permission" if error.errno in _DENIED else "unreadable"
    return NotTaken(look, "blocked", f"{word}: {error.strerror}")


def _read(handle: int, look: Look, manner: Manner) -> Taken | NotTaken | Refusal:
    before = os.fstat(handle)
    seen = tuple_of(before)
    if seen != look.stat or not stat.S_ISREG(before.st_mode):
        return NotTaken(Look(look.path, seen), "changed", "it changed")
    refusal = manner.admission.refusal_of_open(look, before)
    if refusal is not None:
        return refusal
    complete = manner.complete
    if manner.leases:
        writers = writers_of(handle)
        if writers == "some":
            return NotTaken(look, "held", "another process has it open for writing")
        if writers == "none":
            complete = f"{complete}+lease"
    if seen.size > manner.inline_max:
        return _stage(handle, look, manner, complete, before)
    data = os.read(handle, seen.size + 1)
    if len(data) == seen.size and _is_unchanged(before, os.fstat(handle)):
        return Taken(look, sha256(data).hexdigest(), data, None, complete)
    return _changed(handle, look)


def _stage(
    handle: int, look: Look, manner: Manner, complete: str, before: os.stat_result
) -> Taken | NotTaken:
    """The file copied to the archive's staging area."""
    objects = manner.archive.objects
    staged = objects.stage(handle, manner.owner(), expected=before.st_size, should_stop=manner.should_stop)
    is_whole = False
    try:
        is_whole = staged.size == before.st_size and _is_unchanged(before, os.fstat(handle))
    finally:
        if not is_whole:
            objects.discard([staged])
    return Taken(look, staged.sha256, None, staged, complete) if is_whole else _changed(handle, look)


def _changed(handle: int, look: Look) -> NotTaken:
    return NotTaken(Look(look.path, tuple_of(os.fstat(handle))), "changed", "it changed while it was read")


def _is_unchanged(before: os.stat_result, after: os.stat_result) -> bool:
    """True when the bytes read are those of one moment.

    Where a name of the file went meanwhile (deleted, or another file renamed
    over it) its ctime moved, but what we hold open is still whole.
    """
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return False
    return before.st_ctime_ns == after.st_ctime_ns or after.st_nlink < before.st_nlink


def writers_of(handle: int) -> Literal["none", "some", "unknown"]:
    """Whether somebody holds the file open for writing; fcntl(2), F_SETLEASE.

    Unknown for files of another user and on filesystems without leases:
    there, quiet time is all the proof there is.
    """
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return "some" if error.errno == errno.EAGAIN else "unknown"
    fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return "none"
