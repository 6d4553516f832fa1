"""Landing files until stopped, or once.

One loop for all sources: it wakes on a hint, when a file is due to have
settled, when a scan is due, and when it is to stop. Outside faults never end
it; a store that is not the one it opened does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ingest.archive import Archive
from ingest.config import Settings
from ingest.errors import CannotWrite, NotFound, TryAgain
from ingest.store.engine import Store
from ingest.store.sources import Counts
from ingest.watch.clock import Clock
from ingest.watch.desk import Desk
from ingest.watch.hints import Hints
from ingest.watch.inbox import Inbox
from ingest.watch.life import Life, Stop
from ingest.watch.notify import Notifier, open_notifier
from ingest.watch.take import ignore_lease_breaks

_log = logging.getLogger(__name__)

_BACKOFF = (1.0, 30.0)  # seconds, first and most, before the store is tried again
_MARGIN = 0.05  # seconds that `watch_once` waits beyond one quiet time: its own reading takes time


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


def watch(
    store: Store, archive: Archive, settings: Settings, *, sources: Sequence[str] = (), stop: Stop
) -> None:
    """Land what arrives in `sources` (none named: all) until `stop` is set; then finish what is in hand.

    Raises `StoreUnusable` when the store is replaced or damaged, `NotFound`
    for a source that is not configured.
    """
    wake = threading.Event()
    with _watching(store, archive, settings, sources, stop, wake) as (life, inboxes):
        loop = _Loop(inboxes, life, stop, wake)
        try:
            loop.run()
        finally:
            loop.close()


def watch_once(
    store: Store, archive: Archive, settings: Settings, *, sources: Sequence[str] = (), stop: Stop
) -> Summary:
    """Land all that is settled within one quiet time from now; the rest is counted as waiting.

    Raises as `watch` does, and `CannotWrite` or `TryAgain` when the store does not take a batch.
    """
    wake = threading.Event()
    began = time.monotonic()
    with _watching(store, archive, settings, sources, stop, wake) as (_, inboxes):
        for inbox in inboxes:
            inbox.begin(None)
        deadline = began + max(inbox.settling.policy.quiet for inbox in inboxes) + _MARGIN
        _drain(inboxes, stop, wake, deadline)
        return _summary(inboxes, time.monotonic() - began)
