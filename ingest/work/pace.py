"""When a supervisor looks at the store: at once after a hint, often while it moves, else seldom.

A hint comes before the commit can be seen, by as long as the disk takes: the
first looks after it follow quickly. Where the system gives no hints, or one
was missed, the look that is due anyway finds what was committed.
"""

from __future__ import annotations

import time

from ingest.store.engine import Changes

TICK = 0.04  # seconds between two looks at a store that moves, or that gives no hints
SELDOM = 1.0  # seconds between two looks at a store that would have hinted
_FIRST = 0.001  # seconds between a hint and the second look
_DOUBTED = 1.0  # seconds for which a hint is believed though nothing is to be seen


class Pace:
    """When the next look is due, and what may prompt an earlier one."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._hint = -1
        self._pause = TICK
        self._hinted_until = 0.0

    def has_moved(self) -> bool:
        """True when something was committed since the last look."""
        if self._changes.take_hint() and time.monotonic() >= self._hinted_until:
            self._hinted_until, self._pause = time.monotonic() + _DOUBTED, _FIRST / 2
        handle = self._changes.expect()  # first: what is committed after the look is hinted at
        has_moved = self._changes.has_moved()
        if has_moved:
            self._hint, self._pause, self._hinted_until = -1, TICK, 0.0
        elif time.monotonic() < self._hinted_until:
            self._hint, self._pause = -1, min(self._pause * 2, TICK)
        else:
            self._hint, self._pause = handle, TICK if handle < 0 else SELDOM
        return has_moved

    def pause(self) -> float:
        """Seconds until the next look is due."""
        return self._pause

    def prompts(self) -> tuple[int, ...]:
        """The handles that, once one is readable, make the next look due at once."""
        return () if self._hint < 0 else (self._hint,)
