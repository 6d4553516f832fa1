"""What a delivery of bytes at a path means, against what stands landed there.

Decided inside the landing transaction, so that a crash, a rescan or a second
watcher on the same directory can only produce what already stands.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from ingest.domain.settling import StatTuple


class Meaning(Enum):
    """What a complete file is to its path."""

    STANDS = "stands"  # this very delivery has landed, or a later one has taken its place
    REDELIVERED = "redelivered"  # the bytes that stand were delivered again
    NEW = "new"  # a version of its own


class Standing(NamedTuple):
    """The content of a path that stands landed."""

    version: int
    sha256: str
    event_id: str
    delivered: StatTuple  # of the last delivery that landed or was counted


def meaning(
    arrived: StatTuple,
    sha256: str,
    standing: Standing | None,
    *,
    is_there: Callable[[], bool],
    has_landed: Callable[[], bool],
) -> Meaning:
    """What the arrival of `sha256` with tuple `arrived` means at a path where `standing` is landed.

    `is_there` tells whether the path still shows the tuple that arrived, and
    `has_landed` whether an earlier version was landed from that very tuple;
    each is asked only where it matters. A tuple that is no longer there and
    is not younger than what stands was replaced by it, so a late commit
    changes nothing; if it is still there, the clock stepped and it counts.
    """
    if standing is None:
        return Meaning.NEW
    if arrived == standing.delivered:
        return Meaning.STANDS
    is_late = arrived.ctime_ns <= standing.delivered.ctime_ns
    if not is_there() and (is_late or has_landed()):
        return Meaning.STANDS
    return Meaning.REDELIVERED if sha256 == standing.sha256 else Meaning.NEW
