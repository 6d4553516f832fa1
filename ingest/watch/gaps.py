"""Facts around a real gap: changes in a source may have gone unseen, and a scan that began later has ended.

Never per scan: a gap is a queue that overflowed, notifications that died, a
directory that was away or was replaced, a watcher that was suspended. The
number of a gap is the store's, so several watchers, or one that dies between
the two facts, state each of them once.
"""

from __future__ import annotations

from datetime import datetime

from ingest.domain.composing import compose
from ingest.domain.events import ReconcileCompleted, WatchGapDetected
from ingest.domain.naming import gap_id, reconciled_id
from ingest.store import gaps
from ingest.store.engine import Tx
from ingest.store.gaps import Gap
from ingest.store.outbox import Draft, append
from ingest.watch.landing.drafts import Origin
from ingest.watch.watcher import Watcher

_MESSAGES = {
    "overflow": "more notifications came than could be held",
    "notifier": "what reads the notifications had died",
    "unavailable": "the directory of the source could not be read",
    "replaced": "another directory stood in place of the one that was watched",
    "suspended": "the watcher did not run for longer than its lease",
}


class Gaps:
    """The gaps of one source, as its watcher comes to know of them."""

    def __init__(self, watcher: Watcher, origin: Origin) -> None:
        self._watcher = watcher
        self._origin = origin
        self._untold: str | None = None  # reason of a gap the store does not know of
        self._open: Gap | None = None  # as the scan that runs began

    def note(self, reason: str) -> None:
        """Changes may have gone unseen; the first reason stands until it was told."""
        self._untold = self._untold or reason

    def tell(self) -> None:
        """A gap that was noted is open, and stated, unless one is open already; raises as the store does."""
        if self._untold is None:
            return
        now = self._watcher.clock.now()
        with self._watcher.store.write() as tx:
            number = gaps.open_gap(tx, self._origin.name, self._untold, now=now)
            if number is not None:
                append(tx, [_detected(self._origin, number, self._untold, now)], now=now)
        self._untold = None

    def begin_scan(self) -> None:
        """The scan that begins now will close the gap that is open now, if one is."""
        with self._watcher.store.read() as tx:
            self._open = gaps.find_open(tx, self._origin.name)

    def end_scan(self, tx: Tx, *, entries: int, now: datetime) -> None:
        """The scan, which met so many entries, has ended: that closes the gap with which it began."""
        if self._open is not None and gaps.close_gap(tx, self._origin.name, self._open.number, now=now):
            append(tx, [_reconciled(self._origin, self._open, entries, now)], now=now)


def _detected(origin: Origin, number: int, reason: str, now: datetime) -> Draft:
    data = WatchGapDetected(
        source=origin.name, number=number, reason=reason, message=_MESSAGES[reason], detected_at=now
    )
    return _draft(origin, data, gap_id(origin.name, number), cause=None, now=now)


def _reconciled(origin: Origin, gap: Gap, entries: int, now: datetime) -> Draft:
    cause = gap_id(origin.name, gap.number)
    data = ReconcileCompleted(
        source=origin.name,
        number=gap.number,
        reason=gap.reason,
        gap=cause,
        entries=entries,
        completed_at=now,
    )
    return _draft(origin, data, reconciled_id(origin.name, gap.number), cause=cause, now=now)


def _draft(
    origin: Origin, data: WatchGapDetected | ReconcileCompleted, id_: str, *, cause: str | None, now: datetime
) -> Draft:
    body = compose(
        data,
        id=id_,
        source=origin.event_source,
        subject=origin.name,
        time=now,
        partitionkey=origin.name,
        cause=cause,
        correlation=cause,
    )
    return Draft(
        id=id_, type=data.type, key=origin.name, time=now, body=body, origin=origin.name, cause=cause
    )
