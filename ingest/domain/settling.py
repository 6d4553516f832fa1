"""Sightings so far -> complete or not yet, and until when to wait.

A sender's mtime is data, never logic: it can be forged by `cp -p`. What counts
is how long the whole tuple has stood unchanged by our own monotonic clock, or,
where the kernel that keeps it is ours, the ctime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

STEP_TOLERANCE = 0.5  # seconds the wall clock may move against the monotonic one before ctimes are doubted
_NS = 1_000_000_000


class StatTuple(NamedTuple):
    """What a directory entry says of a file's content: where it differs, the content may differ.

    Two are equal whatever the devices: a system that starts, or mounts anew, may number those otherwise.
    """

    size: int  # bytes
    mtime_ns: int
    ctime_ns: int
    inode: str  # device:inode

    def text(self) -> str:
        """The tuple as one word."""
        return f"{self.size}:{self.mtime_ns}:{self.ctime_ns}:{self.inode}"

    def identity(self) -> tuple[int, int, int, str]:
        """All by which tuples are compared."""
        return self.size, self.mtime_ns, self.ctime_ns, self.inode.rpartition(":")[2]

    def __eq__(self, other: object) -> bool:
        """True when both tell of the same content."""
        return isinstance(other, StatTuple) and self.identity() == other.identity()

    def __ne__(self, other: object) -> bool:
        """True when the contents may differ."""
        return not self == other

    def __hash__(self) -> int:
        """The same for tuples that are equal."""
        return hash(self.identity())

    @classmethod
    def parse(cls, text: str) -> StatTuple:
        """The tuple that `text()` wrote."""
        size, mtime_ns, ctime_ns, inode = text.split(":", 3)
        return cls(int(size), int(mtime_ns), int(ctime_ns), inode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When the files of a source count as complete."""

    complete: str  # stable | renamed | marker | manifest
    quiet: float  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Both clocks, read at one instant."""

    monotonic: float  # seconds
    wall_ns: int  # since 1970
    is_steady: bool  # the wall clock has not stepped against the monotonic one since the start


def settles_at(policy: Policy, seen: StatTuple, since: float, now: Reading, *, is_local: bool) -> float:
    """The monotonic moment from which a file counts as complete if its tuple stays what it is.

    `since` is the monotonic moment at which this tuple was first seen. A
    moment that is not after `now.monotonic` means: complete. `is_local` says
    that the ctime was given by this kernel.
    """
    if policy.complete == "renamed":
        return since
    by_us = since + policy.quiet
    if not is_local or not now.is_steady:
        return by_us
    age = (now.wall_ns - seen.ctime_ns) / _NS
    if age < 0:  # a ctime in the future proves nothing
        return by_us
    return min(by_us, now.monotonic + policy.quiet - age)


def is_steady(start: Reading, monotonic: float, wall_ns: int) -> bool:
    """True while both clocks have moved by the same amount since `start`."""
    drift = (wall_ns - start.wall_ns) / _NS - (monotonic - start.monotonic)
    return start.is_steady and abs(drift) <= STEP_TOLERANCE
