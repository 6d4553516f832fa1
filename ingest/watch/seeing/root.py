"""The directory of a source, held open: everything below it is reached through it and through nothing else.

Paths are resolved one name at a time and never through a symbolic link, so a
folder that is swapped for a link meanwhile leads nowhere.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.domain.settling import StatTuple
from ingest.errors import IngestError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW = _DIRECTORY | os.O_NOFOLLOW


class SourceUnavailable(IngestError):
    """The directory of a source cannot be read now; nothing is concluded from that."""

    code = "source_unavailable"
    exit_code = 69


class Root:
    """The held directory of one source."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.device = -1
        self._handle: int | None = None
        self._identity: tuple[int, int] | None = None
        self._was_mounted = False
        self._leads_to: str | None = None  # where no link had to be followed when it was first held

    @property
    def is_held(self) -> bool:
        """True while a directory is held."""
        return self._handle is not None

    @property
    def is_mounted(self) -> bool:
        """True when a filesystem was mounted at the very path as it was held."""
        return self._was_mounted

    def hold(self) -> bool:
        """The directory that the path names now is held; True when it is another one than before.

        Raises `SourceUnavailable` when there is none, when it cannot be read,
        or when what was mounted there is not any more, or a link has taken its place.
        """
        try:
            found = self.path.stat()
            is_mounted = self.path.is_mount()
            if self._identity == (found.st_dev, found.st_ino):
                return False
            if self._was_mounted and not is_mounted:
                raise SourceUnavailable(f"nothing is mounted at {self.path} any more", hint="mount it again")
            self._refuse_a_link()
            handle = os.open(self.path, _DIRECTORY)
        except OSError as error:
            raise SourceUnavailable(
                f"the source directory {self.path} cannot be read: {error.strerror}",
                hint="create or mend it; watching goes on by itself",
            ) from error
        self.release()
        held = os.fstat(handle)
        self._handle, self._identity = handle, (held.st_dev, held.st_ino)
        self.device, self._was_mounted = held.st_dev, is_mounted
        return True

    def _refuse_a_link(self) -> None:
        """A path that led here by itself does not follow a link that somebody has put in its place since."""
        leads_to = os.path.realpath(self.path)
        if self._leads_to is None:
            self._leads_to = leads_to if leads_to == os.path.normpath(self.path) else ""
        if self._leads_to and leads_to != self._leads_to:
            raise SourceUnavailable(
                f"the path {self.path} leads elsewhere now: a symbolic link stands in its way",
                hint="remove the link, or restart the watcher if it is meant",
            )

    def release(self) -> None:
        """Nothing is held."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle = self._identity = None

    def open_folder(self, path: bytes) -> int:
        """A descriptor, to be closed, of the folder at `path` (empty: the root itself); raises `OSError`."""
        if self._handle is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        handle = os.open(b".", _BELOW, dir_fd=self._handle)
        for name in path.split(b"/") if path else ():
            above = handle
            try:
                handle = os.open(name, _BELOW, dir_fd=above)
            finally:
                os.close(above)
        return handle

    @contextmanager
    def folder(self, path: bytes) -> Iterator[int]:
        """The folder at `path`, open while the block runs; raises `OSError`."""
        handle = self.open_folder(path)
        try:
            yield handle
        finally:
            os.close(handle)

    def look(self, path: bytes) -> os.stat_result | None:
        """What lies at `path` itself, None where nothing does; no link is followed."""
        above, _, name = path.rpartition(b"/")
        try:
            with self.folder(above) as handle:
                return os.lstat(name, dir_fd=handle)
        except OSError:
            return None

    def shows(self, path: bytes, stat: StatTuple) -> bool:
        """True when `path` still has this very tuple."""
        found = self.look(path)
        return found is not None and tuple_of(found) == stat


def tuple_of(found: os.stat_result) -> StatTuple:
    """The tuple by which a content is known."""
    return StatTuple(found.st_size, found.st_mtime_ns, found.st_ctime_ns, f"{found.st_dev}:{found.st_ino}")
