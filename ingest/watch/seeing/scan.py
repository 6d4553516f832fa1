"""What lies in a source now: the truth that notifications only hint at.

A scan goes through held descriptors and reads nothing but directory entries.
It comes in pieces, so that memory stays flat however many files there are and
whoever consumes it can do other things between two of them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ingest.store.sightings import Look
from ingest.watch.names import ticket_in
from ingest.watch.seeing.root import Root, tuple_of
from ingest.watch.seeing.rules import PathRules

PIECE = 1000  # entries

_KINDS = {
    stat.S_IFLNK: ("symlink", "a symbolic link is never followed"),
    stat.S_IFIFO: ("fifo", "a named pipe is not a file"),
    stat.S_IFSOCK: ("socket", "a socket is not a file"),
    stat.S_IFBLK: ("device", "a device is not a file"),
    stat.S_IFCHR: ("device", "a device is not a file"),
}
_UNKNOWN_KIND = ("special", "this is not a regular file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that will not be landed as it is."""

    look: Look
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Something that cannot be read now."""

    look: Look
    reason: str


@dataclass(slots=True, kw_only=True)
class Piece:
    """Part of what a scan found, by what is to be done about it."""

    files: list[Look] = field(default_factory=list)
    announcers: list[Look] = field(default_factory=list)  # markers or manifests
    refusals: list[Refusal] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    private: list[Look] = field(default_factory=list)  # files that were about to leave
    ignored: int = 0
    entries: int = 0

    def add(self, path: bytes, found: os.stat_result, rules: PathRules) -> bytes | None:
        """Sort one entry in; returns its path where it is a folder to be entered."""
        self.entries += 1
        kind = stat.S_IFMT(found.st_mode)
        if kind == stat.S_IFDIR:
            return path if rules.enters(path) else None
        if kind == stat.S_IFREG and rules.announces(path) and ticket_in(path.rpartition(b"/")[2]) is None:
            self.announcers.append(Look(path, tuple_of(found)))
        elif not rules.takes(path) or (rules.ignores_empty and kind == stat.S_IFREG and not found.st_size):
            self.ignored += 1
            if ticket_in(path.rpartition(b"/")[2]) is not None:
                self.private.append(Look(path, tuple_of(found)))
        elif kind == stat.S_IFREG:
            self.files.append(Look(path, tuple_of(found)))
        else:
            reason, message = _KINDS.get(kind, _UNKNOWN_KIND)
            self.refusals.append(Refusal(look=Look(path, tuple_of(found)), reason=reason, message=message))
        return None


OnFolder = Callable[[int, bytes], None]  # descriptor and path of a folder whose entries are read next


def scan(
    root: Root, rules: PathRules, on_folder: OnFolder, start: Iterable[bytes] = (b"",)
) -> Iterator[Piece]:
    """Everything below the folders `start`, in pieces, each sorted by path.

    Raises `OSError` when the directory of the source itself cannot be read.
    What vanishes meanwhile is left out.
    """
    piece = Piece()
    folders = list(start)
    while folders:
        folder = folders.pop()
        try:
            for path, found in _entries(root, folder, on_folder):
                below = piece.add(path, found, rules)
                if below is not None:
                    folders.append(below)
                if piece.entries >= PIECE:
                    yield _sorted(piece)
                    piece = Piece()
        except OSError as error:
            if not folder:
                raise
            _note_unreadable(piece, root, folder, error)
    yield _sorted(piece)


def look_at(root: Root, rules: PathRules, paths: Iterable[bytes]) -> tuple[Piece, list[bytes]]:
    """What lies at each of `paths` now, and the folders among them."""
    piece, folders = Piece(), []
    for path in paths:
        found = root.look(path)
        if found is not None:
            folder = piece.add(path, found, rules)
            if folder is not None:
                folders.append(folder)
    return _sorted(piece), folders


def _entries(root: Root, folder: bytes, on_folder: OnFolder) -> Iterator[tuple[bytes, os.stat_result]]:
    prefix = folder + b"/" if folder else b""
    with root.folder(folder) as handle:
        on_folder(handle, folder)
        with os.scandir(handle) as entries:
            for entry in entries:
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield prefix + os.fsencode(entry.name), found


def _note_unreadable(piece: Piece, root: Root, folder: bytes, error: OSError) -> None:
    """A folder that is there and cannot be read is blocked; one that is gone, or a folder no more, is not."""
    found = root.look(folder)
    if found is not None and stat.S_ISDIR(found.st_mode):
        word = "permission" if isinstance(error, PermissionError) else "unreadable"
        piece.blocked.append(
            Blocked(look=Look(folder, tuple_of(found)), reason=f"{word}: this folder, {error.strerror}")
        )


def _sorted(piece: Piece) -> Piece:
    piece.files.sort()
    return piece
