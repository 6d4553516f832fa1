"""Waiting until workers are through with replays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Protocol

from ingest.store import replays
from ingest.store.engine import Store
from ingest.store.replays import ReplayReport

LOOK_EVERY = 0.1  # seconds
ENDED = ("done", "cancelled")


class Stop(Protocol):
    """Asked now and then whether to stop waiting."""

    def wait(self, timeout: float) -> bool:
        """Wait at most so many seconds; True when waiting is to stop."""


def wait(
    store: Store, ids: Sequence[str], *, stop: Stop, tell: Callable[[Sequence[ReplayReport]], None]
) -> list[ReplayReport] | None:
    """The reports of the replays `ids` once all have ended, or None when stopped before.

    `tell` hears how far they are, whenever something was committed.
    """
    with closing(store.changes()) as changes:
        while True:
            if changes.has_moved():
                with store.read() as tx:
                    found = [report for id_ in ids for report in replays.reports(tx, id_)]
                tell(found)
                if all(report.state in ENDED for report in found):
                    return found
            if stop.wait(LOOK_EVERY):
                return None
