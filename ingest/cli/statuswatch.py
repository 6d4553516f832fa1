"""The status looked at again and again: calmly, and for next to nothing while nothing happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from time import monotonic
from typing import Any

from ingest.cli import output, screen, statuses, statusjson, statusview
from ingest.cli.signals import Stop, stopping
from ingest.cli.statuses import Status
from ingest.cli.wiring import Pipeline

EVERY = 1.0  # seconds at least between two looks
ANYWAY = 5.0  # seconds after which it is looked at though nothing was committed: workers die, disks fill
SHARE = 10  # a look that takes long is followed by a pause at least so many times as long
IDLE_SHARE = 200  # where nothing was committed
_AGES = {"beat_age_s", "oldest_waiting_s", "oldest_settling_s", "wal_bytes"}


def draw(pipeline: Pipeline) -> None:
    """The status stands on the screen, as it is now, until a signal asks to stop."""
    with stopping(leave_at=2, is_last=True, last_words=screen.restore) as stop, screen.opened() as shown:
        for found in _looks(pipeline, stop, is_wanted=shown.is_stale):
            shown.draw(statusview.live(found))


def tell(pipeline: Pipeline) -> None:
    """The status is printed as JSON, then whenever more than ages has changed, until a signal asks to end."""
    with stopping(leave_at=2, is_last=True) as stop:
        before: Any = None
        for found in _looks(pipeline, stop, is_wanted=output.is_unheard):
            document = statusjson.as_json(found)
            if _without_ages(document) != before:
                output.document(document)
                output.flush()
            before = _without_ages(document)


def _looks(pipeline: Pipeline, stop: Stop, *, is_wanted: Callable[[], bool]) -> Iterator[Status]:
    """The status now, whenever something was committed or `is_wanted`, and now and then anyway."""
    with closing(pipeline.store.changes()) as changes:
        looked = took = 0.0
        while not stop.is_set():
            is_due = monotonic() - looked >= max(ANYWAY, IDLE_SHARE * took)
            if is_wanted() or changes.has_moved() or is_due:  # asked first: a server may always have moved
                began = monotonic()
                yield statuses.gather(pipeline)
                looked = monotonic()
                took = looked - began
            stop.wait(max(EVERY, SHARE * took))


def _without_ages(value: Any) -> Any:
    """What of the document says more than that time has passed."""
    if isinstance(value, dict):
        return {key: _without_ages(each) for key, each in value.items() if key not in _AGES}
    return [_without_ages(each) for each in value] if isinstance(value, list) else value
