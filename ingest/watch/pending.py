"""Files that are not settled yet: since when each is unchanged, and when to look again.

Bounded: what finds no room is seen again by the next scan.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ingest.domain.settling import StatTuple
from ingest.store.sightings import Look

ROOM = 50_000  # files of one source


@dataclass(slots=True, kw_only=True)
class Entry:
    """One file that waits."""

    stat: StatTuple
    since: float  # monotonic: the tuple is unchanged since
    since_at: datetime  # the same, for people
    due: float  # monotonic
    reason: str
    scanned: int  # number of the last scan that saw it
    failures: int = 0  # how often the archive would not take it, one after the other


class Pending:
    """The files of one source that wait, by path."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._entries: dict[bytes, Entry] = {}
        self._heap: list[tuple[float, bytes]] = []
        self._untold: dict[bytes, None] = {}
        self.has_overflowed = False

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: bytes) -> bool:
        return path in self._entries

    def get(self, path: bytes) -> Entry | None:
        """The entry of `path`, if it waits."""
        return self._entries.get(path)

    def put(self, path: bytes, entry: Entry) -> None:
        """The file waits until `entry.due`, where there is room; the store does not know yet."""
        if path not in self._entries and len(self._entries) >= self._room:
            self.has_overflowed = True
            return
        self._entries[path] = entry
        self._untold[path] = None
        self.postpone(path, entry.due)

    def postpone(self, path: bytes, due: float) -> None:
        """The file, which waits, is looked at again at `due`."""
        self._entries[path].due = due
        if due < math.inf:
            heapq.heappush(self._heap, (due, path))

    def say(self, path: bytes, reason: str) -> None:
        """The file, which waits, waits for this; the store is told where that is news."""
        entry = self._entries[path]
        if entry.reason != reason:
            entry.reason = reason
            self._untold[path] = None

    def remove(self, path: bytes) -> None:
        """The file does not wait any more."""
        self._entries.pop(path, None)
        self._untold.pop(path, None)

    def take_due(self, now: float) -> list[Look]:
        """The files whose time has come; each is named once until it is put or postponed again."""
        due = []
        while (at := self.next_due()) is not None and at <= now:
            _, path = heapq.heappop(self._heap)
            entry = self._entries[path]
            entry.due = math.inf
            due.append(Look(path, entry.stat))
        return due

    def next_due(self) -> float | None:
        """When the next file is due, or None when none is."""
        while self._heap:
            due, path = self._heap[0]
            entry = self._entries.get(path)
            if entry is not None and entry.due == due:
                return due
            heapq.heappop(self._heap)
        return None

    def has_room_again(self) -> bool:
        """True once, when files that found no room could find it now."""
        if not self.has_overflowed or len(self._entries) > self._room * 4 // 5:
            return False
        self.has_overflowed = False
        return True

    def untold(self, before: float) -> list[tuple[bytes, Entry]]:
        """The files that wait since before `before` and that the store has not been told of."""
        return [(path, self._entries[path]) for path in self._untold if self._entries[path].since <= before]

    def told(self, paths: Iterable[bytes]) -> None:
        """The store knows of these files what there was to tell."""
        for path in paths:
            self._untold.pop(path, None)

    def tell_at(self, after: float) -> float | None:
        """When the store is to be told of a file that has waited `after` seconds, None when of no one."""
        first = next(iter(self._untold), None)
        return None if first is None else self._entries[first].since + after

    def unwritable(self) -> int:
        """How many wait since the archive would not take them."""
        return sum(1 for entry in self._entries.values() if entry.failures)

    def release(self, now: float) -> None:
        """Files that were in hand are due again."""
        for path in [path for path, entry in self._entries.items() if entry.due == math.inf]:
            self.postpone(path, now)

    def unseen(self, scan: int) -> list[bytes]:
        """The files that scan number `scan` did not see."""
        return [path for path, entry in self._entries.items() if entry.scanned < scan]
