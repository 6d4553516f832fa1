"""A worker as others see it: listed where it agrees with them, beaten, struck off, and doing well or not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from ingest.config import Settings
from ingest.errors import UsageError, WorkerLost
from ingest.notices.giving import SILENT, Service
from ingest.store import workers
from ingest.store.dialect import enter_registration
from ingest.store.engine import Store, Tx
from ingest.store.presence import Presence
from ingest.work.enrol import fingerprint
from ingest.work.outages import OUTAGES

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class Listing:
    """The place of worker `me` in the list, and what whoever started it is told."""

    def __init__(self, store: Store, me: Presence, settings: Settings, service: Service = SILENT) -> None:
        self.me = me
        self.service = service
        self._store, self._settings = store, settings
        self._lease = settings.work.lease
        self._is_entered = False
        self._beat_at = 0.0

    def check(self) -> None:
        """Raise `UsageError` where live workers have other settings, before anything else is tried."""
        with self._store.read() as tx:
            _refuse_other_settings(tx, fingerprint(self._settings))

    def enter(self, and_then: Callable[[Tx, datetime], _Result]) -> _Result:
        """The worker is listed, its lease runs, and in one transaction with it `and_then` was done then.

        Looked at and entered in one transaction: of two with other settings
        that start at once, one is refused before it has written anything.
        Raises `UsageError` for that one.
        """
        with self._store.write() as tx:
            enter_registration(tx)
            if not self._is_entered:
                self._enlist(tx)
            result = and_then(tx, self._store.now())
        self._is_entered = True
        self._put_off()
        return result

    def _enlist(self, tx: Tx) -> None:
        mine = workers.this_process(self.me, settings=fingerprint(self._settings))
        _refuse_other_settings(tx, mine.settings)
        workers.enlist(tx, mine, lease=self._lease, now=self._store.now())
        self._store.witness(tx)

    def beat(self, *, state: str = "active", at_once: bool = False) -> None:
        """The lease of a listed worker runs on; raises `WorkerLost` when it was taken for dead."""
        if not self._is_entered:
            return
        if time.monotonic() < self._beat_at and not at_once:
            return
        with self._store.write() as tx:
            is_known = workers.beat(tx, self.me.id, lease=self._lease, now=self._store.now(), state=state)
            self._store.witness(tx)
        self._put_off()
        if not is_known:
            raise WorkerLost("this worker was taken for dead and its work was given to others")

    def next_at(self) -> float:
        """The monotonic moment at which the next beat, or a word to whoever started it, is due."""
        return min(self._beat_at, self.service.next_at())

    def say(self, trouble: str) -> None:
        """Whoever asks how this worker is doing sees what is wrong now, empty for nothing."""
        self.me.say(trouble)
        self.service.complain(trouble)

    def leave(self) -> None:
        """The worker is not listed as living any more; what it held is ready for others."""
        if not self._is_entered:
            return
        try:
            with self._store.write() as tx:
                workers.retire(tx, self.me.id, now=self._store.now())
        except OUTAGES as error:  # our lock file goes with us: whoever works next takes over at once
            _log.warning("the worker could not sign off: %s", error)

    def _put_off(self) -> None:
        self._beat_at = time.monotonic() + self._lease.total_seconds() / 3


def _refuse_other_settings(tx: Tx, mine: str) -> None:
    others = [row for row in workers.live(tx, "worker") if row.settings != mine]
    if others:
        raise UsageError(
            f"a live worker (pid {others[0].pid} on {others[0].host}) works this store with other settings",
            hint="stop it first, or give all the same ingest.toml",
        )
