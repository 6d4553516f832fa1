"""What a source refuses although it is a whole file: too large, empty, wrongly named, linked elsewhere, ours.

All but the links is decided by the directory entry alone, so such a file is
never opened; a refusal is stated once for its tuple.
"""

from __future__ import annotations

import os
from pathlib import Path

from ingest.config import SourceSettings
from ingest.domain.keys import LONGEST_KEY, fits
from ingest.domain.name_patterns import LONGEST_NAME, compile_name_pattern
from ingest.domain.settling import StatTuple
from ingest.store.foreign import own_inodes
from ingest.store.sightings import Look
from ingest.watch.seeing.scan import Blocked, Piece, Refusal

_SHORT = 400  # bytes of a path that is too long, by which it is known


class Admission:
    """The policies of one source about single files."""

    def __init__(self, source: SourceSettings) -> None:
        self.ignores_empty = source.empty == "ignore"
        self._refuses_empty = source.empty == "refuse"
        self._refuses_links = source.hardlinks == "refuse"
        self._max_size = source.max_size
        self._pattern = compile_name_pattern(source.name_pattern) if source.name_pattern else None

    def refusal(self, look: Look) -> Refusal | None:
        """Why the file is refused, unopened, or None."""
        size = look.stat.size
        if size > self._max_size:
            return _refused(look, "too_large", f"{size} bytes are more than max_size, {self._max_size}")
        if size == 0 and self._refuses_empty:
            return _refused(look, "empty", "the file is empty")
        if self._pattern is None:
            return None
        name = look.path.rpartition(b"/")[2]
        if self._pattern.values(name) is not None:
            return None
        if len(name) > LONGEST_NAME:
            return _refused(look, "name", f"the name is longer than {LONGEST_NAME} bytes")
        return _refused(look, "name", "the name does not match name_pattern")

    def refusal_of_open(self, look: Look, found: os.stat_result) -> Refusal | None:
        """Why the file, open but not read, is refused, or None."""
        if self._refuses_links and found.st_nlink > 1:
            return _refused(look, "hardlink", f"the file has {found.st_nlink} names")
        return None


def refusal_of_own(look: Look) -> Refusal:
    """The file is the store's own under another name; stated once for its inode, whatever it grows to."""
    return _refused(
        Look(look.path, StatTuple(0, 0, 0, look.stat.inode)),
        "own",
        "it is part of the database of this store",
    )


def refuse_own(piece: Piece, database: Path) -> None:
    """What `piece` has of the store's own files is among its refusals, and nothing else is made of it."""
    own = {f"{device}:{inode}" for device, inode in own_inodes(database)}
    for looks in (piece.files, piece.announcers, piece.private):
        found = [look for look in looks if look.stat.inode in own]
        if found:
            piece.refusals += map(refusal_of_own, found)
            looks[:] = [look for look in looks if look.stat.inode not in own]


def set_aside_long(piece: Piece, source: str) -> None:
    """What lies under a path that no key can be made of is blocked, told by the beginning of its path."""
    for looks in (piece.files, piece.announcers, piece.private):
        piece.blocked += [Blocked(look=look, reason="") for look in looks if not fits(source, look.path)]
        looks[:] = [look for look in looks if fits(source, look.path)]
    piece.refusals = [refusal for refusal in piece.refusals if fits(source, refusal.look.path)]
    piece.blocked = [one if fits(source, one.look.path) else _too_long(one.look) for one in piece.blocked]


def said_of_long(path: bytes) -> str:
    """Why a path that does not fit is not taken."""
    return f"a path of {len(path)} bytes: with the source's name, and escaped, it has more than {LONGEST_KEY}"


def _too_long(look: Look) -> Blocked:
    return Blocked(look=Look(look.path[:_SHORT] + b"...", look.stat), reason=said_of_long(look.path))


def _refused(look: Look, reason: str, message: str) -> Refusal:
    return Refusal(look=look, reason=reason, message=message)
