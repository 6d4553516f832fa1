"""Landing once: what is whole now, or within one quiet time from now, and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.archive import Archive
from ingest.config import Settings
from ingest.notices.giving import SILENT
from ingest.store.engine import Store
from ingest.store.sources import Counts
from ingest.watch.heartbeat import Stop
from ingest.watch.inbox import Inbox
from ingest.watch.loop import step_all, watching

Advance = Callable[[int], None]  # told how many more files have landed


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of one run."""

    landed: int
    redelivered: int
    refused: int
    ignored: int  # now
    waiting: int  # files that had not settled
    failed: int  # entries that could not be read, files the archive would not take, sources unavailable
    seconds: float
    suppressed: int = 0


def watch_once(
    store: Store,
    archive: Archive,
    settings: Settings,
    *,
    sources: Sequence[str] = (),
    stop: Stop,
    advance: Advance = lambda _: None,
) -> Summary:
    """Land all that is settled within one quiet time from now; the rest is counted as waiting.

    `advance` hears how many files more have landed. Raises as `watch` does,
    and `CannotWrite` or `TryAgain` when the store does not take a batch.
    """
    began = time.monotonic()
    with watching(store, archive, settings, sources, stop=stop, service=SILENT) as (_, inboxes, wake):
        for inbox in inboxes:
            inbox.begin(None)
        _step_through(inboxes, stop, advance)
        if _await_settling(inboxes, stop, wake, advance):
            for inbox in inboxes:
                inbox.start_over()
            _step_through(inboxes, stop, advance)
        for inbox in inboxes:
            inbox.tell(time.monotonic())  # nobody comes back to say it later
        return _summary(inboxes, time.monotonic() - began)


def _step_through(inboxes: Sequence[Inbox], stop: Stop, advance: Advance) -> None:
    """Every inbox has been scanned once."""
    landed, has_more = _landed(inboxes), True
    while has_more and not stop.is_set():
        has_more = step_all(inboxes)
        advance(-landed + (landed := _landed(inboxes)))


def _landed(inboxes: Sequence[Inbox]) -> int:
    return sum(inbox.counts.landed for inbox in inboxes)


def _await_settling(inboxes: Sequence[Inbox], stop: Stop, wake: threading.Event, advance: Advance) -> bool:
    """What settles within one quiet time has landed; True when there was something to wait for."""
    deadline = time.monotonic() + max(inbox.quiet for inbox in inboxes)
    has_waited = False
    while not stop.is_set():
        due = [at for inbox in inboxes if (at := inbox.settles_at()) is not None]
        if not due or min(due) > deadline:
            break
        wake.wait(max(min(due) - time.monotonic(), 0))
        has_waited = True
        _step_through(inboxes, stop, advance)
    return has_waited


def _summary(inboxes: Sequence[Inbox], seconds: float) -> Summary:
    counts = sum((inbox.counts for inbox in inboxes), Counts())
    return Summary(
        landed=counts.landed,
        redelivered=counts.redelivered,
        refused=counts.refused,
        ignored=sum(inbox.condition.ignored for inbox in inboxes),
        waiting=sum(inbox.waiting for inbox in inboxes),
        failed=sum(inbox.failed for inbox in inboxes),
        seconds=seconds,
        suppressed=counts.suppressed,
    )
