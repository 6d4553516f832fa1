"""Where notifications leave the paths they name, and nothing else happens.

Whoever adds a hint never waits and never fails; what does not fit is made good
by a scan. The loop takes all hints at once.
"""

from __future__ import annotations

import threading

ROOM = 20_000  # paths between two looks of the loop


class Hints:
    """Paths of one source at which something may have happened; `wake` is set when there are any."""

    def __init__(self, wake: threading.Event, room: int = ROOM) -> None:
        self._wake = wake
        self._room = room
        self._lock = threading.Lock()
        self._paths: set[bytes] = set()
        self._is_gap = False
        self._has_overflowed = False

    def add(self, path: bytes) -> None:
        """Something may have happened at `path`."""
        with self._lock:
            if len(self._paths) < self._room:
                self._paths.add(path)
            else:
                self._is_gap = self._has_overflowed = True
        self._wake.set()

    def miss(self) -> None:
        """Something may have happened anywhere."""
        with self._lock:
            self._is_gap = True
        self._wake.set()

    def overflow(self) -> None:
        """Something happened, anywhere, that found no room."""
        with self._lock:
            self._is_gap = self._has_overflowed = True
        self._wake.set()

    def take_overflow(self) -> bool:
        """True once after something found no room."""
        with self._lock:
            has_overflowed, self._has_overflowed = self._has_overflowed, False
        return has_overflowed

    def take(self) -> tuple[set[bytes], bool]:
        """The paths named since the last call, and whether some are missing."""
        with self._lock:
            paths, self._paths = self._paths, set()
            is_gap, self._is_gap = self._is_gap, False
        return paths, is_gap
