"""Both clocks, and whether the wall clock can be trusted since the start."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from ingest.domain.settling import Reading, is_steady


class Clock:
    """Reads the monotonic and the wall clock together; once the latter has stepped it stays in doubt.

    What is written goes by `now`, the clock of all who share the store; files
    are judged by this host's.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._start = _read(is_steady=True)

    def read(self) -> Reading:
        """Both clocks now."""
        now = _read(is_steady=self._start.is_steady)
        if now.is_steady and not is_steady(self._start, now.monotonic, now.wall_ns):
            now = _read(is_steady=True)  # this process may have been stopped between the two readings
            if not is_steady(self._start, now.monotonic, now.wall_ns):
                self._start = now = _read(is_steady=False)
        return now

    def up_since(self) -> datetime:
        """When the system started."""
        up = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
        return self.now() - timedelta(seconds=up)


def _read(*, is_steady: bool) -> Reading:
    return Reading(monotonic=time.monotonic(), wall_ns=time.time_ns(), is_steady=is_steady)
