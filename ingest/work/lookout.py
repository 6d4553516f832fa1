"""What a worker looks for now and then: workers that died, and a wall clock that was set back."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from ingest.config import Settings
from ingest.store import setback
from ingest.store.engine import Store
from ingest.store.presence import Presence
from ingest.work.takeover import take_over

_log = logging.getLogger(__name__)

_TOLERANCE = 1.0  # seconds the wall clock may lose against the monotonic one


class Lookout:
    """Looks around for worker `me`."""

    def __init__(self, store: Store, me: Presence, settings: Settings) -> None:
        self._store, self._me, self._lease = store, me, settings.work.lease
        self._longest = max((p.backoff.cap for p in settings.processors), default=timedelta())
        self._ahead: float | None = None  # how far the wall clock was ahead of the monotonic one

    def look(self) -> bool:
        """True when something may be due that was not before; raises `WorkerLost`."""
        self._me.check_shown()
        has_taken = take_over(self._store, self._me.path.parent, me=self._me.id) > 0
        return self._has_caught_up() or has_taken

    def _has_caught_up(self) -> bool:
        """Asked at the start too: nobody knows what the clock did before."""
        ahead = time.time() - time.monotonic()
        if self._ahead is not None and ahead > self._ahead - _TOLERANCE:
            self._ahead = ahead
            return False
        with self._store.write() as tx:
            freed = setback.catch_up(tx, longest=self._longest, lease=self._lease, now=self._store.now())
        self._ahead = ahead
        if freed:
            _log.warning("the clock was set back: %d lanes that waited for it are due now", freed)
        return freed > 0
