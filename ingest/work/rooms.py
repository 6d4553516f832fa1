"""The private directories of a worker's children: where a processor works and keeps temporary files.

They lie where temporary files belong on this machine, away from the store's
disk. A link beside the worker's lock file says where, so that whoever takes
over from a worker that was killed removes them too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ingest.errors import CannotWrite

_PREFIX = "ingest-"
_OWNER_ONLY = 0o700


class Rooms:
    """The directories of the children of one worker."""

    def __init__(self, directory: Path, worker: str) -> None:
        self._link = _link(directory, worker)
        self._root = Path(tempfile.gettempdir()).resolve() / f"{_PREFIX}{worker}"
        with _disk():
            self._link.symlink_to(
                self._root
            )  # first: a kill in between leaves nothing that is not found again
            self._root.mkdir(_OWNER_ONLY)

    def make(self, child: int) -> Path:
        """An empty directory that only this user can enter."""
        room = self._root / str(child)
        with _disk():
            room.mkdir(_OWNER_ONLY, parents=True)  # a processor may have removed what lies above its own
        return room

    def remove(self, child: int) -> None:
        """The directory of a child that has ended is gone with all that is in it."""
        _remove(self._root / str(child))

    def close(self) -> None:
        """No directory is left."""
        _remove(self._root)
        with contextlib.suppress(OSError):  # a link that a failing disk keeps is cleared up by who works next
            self._link.unlink(missing_ok=True)


def clear(directory: Path, worker: str) -> None:
    """The directories that `worker`, which died, left behind are gone."""
    link = _link(directory, worker)
    with contextlib.suppress(OSError):
        root = link.readlink()
        if root.name == f"{_PREFIX}{worker}":
            _remove(root)
        link.unlink()


@contextlib.contextmanager
def lent_room() -> Iterator[Path]:
    """An empty directory that only this user can enter, for the time of the block."""
    with _disk():
        room = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        yield room
    finally:
        _remove(room)


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    """What the disk refuses in the block, in our words."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(
            f"cannot make a temporary directory: {error.strerror}",
            hint="free the disk of the temporary directory; nothing was lost",
        ) from error


def _link(directory: Path, worker: str) -> Path:
    return directory / f"{worker}.rooms"


def _remove(directory: Path) -> None:
    """The directory is gone, whatever a processor made of it and of its permissions."""
    if directory.is_symlink():
        directory.unlink()
    shutil.rmtree(directory, ignore_errors=True)
    if not directory.exists():
        return
    _open_up(directory)
    for folder, inner, _ in os.walk(directory):  # from above: each is opened up before it is entered
        for name in inner:
            _open_up(Path(folder, name))
    shutil.rmtree(directory, ignore_errors=True)


def _open_up(folder: Path) -> None:
    with contextlib.suppress(OSError):
        if not folder.is_symlink():
            folder.chmod(_OWNER_ONLY)
