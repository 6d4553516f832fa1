"""The beginning of a worker: its processors are asked what they declare until it is known, and enrolled."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial

from ingest.errors import ProcessorUnloadable
from ingest.store.engine import Tx
from ingest.work import leftovers
from ingest.work.asking import TICK, Question, ask
from ingest.work.declared import Declared
from ingest.work.enrol import enrol
from ingest.work.listing import Listing
from ingest.work.outages import LONGEST_PAUSE, OUTAGES, PAUSE, Outage
from ingest.work.spec import ProcessorSpec
from ingest.work.supervisor import Stop


def begin(
    question: Question, listing: Listing, stop: Stop, *, once: bool
) -> tuple[ProcessorSpec, ...] | None:
    """The worker is listed and every processor enrolled, at once; None when it is time to stop.

    A service says which one cannot be loaded and goes on trying, less and
    less often; any other run raises what `ask` raises.
    Raises `UsageError` where live workers have other settings.
    """
    listing.check()
    outage, pause = Outage(listing.say), PAUSE
    while not stop.is_set():
        try:
            found = _ask(question, listing, stop)
        except (*OUTAGES, ProcessorUnloadable) as error:
            if once:
                raise
            with suppress(*OUTAGES):
                listing.enter(lambda _tx, _now: None)  # whoever asks for the status is told
            outage.tell(error)
            _rest(pause, listing, stop)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            outage.end()
            if found is None:
                return None
            return listing.enter(partial(_enrol, question, found))
    return None


def _ask(question: Question, listing: Listing, stop: Stop) -> dict[str, Declared] | None:
    """As `ask`; nothing is left of what it brought about, whatever became of its environment."""
    try:
        return ask(question, partial(_is_to_stop, listing, stop))
    finally:
        leftovers.sweep(())


def _enrol(
    question: Question, found: Mapping[str, Declared], tx: Tx, now: datetime
) -> tuple[ProcessorSpec, ...]:
    return enrol(tx, [(each, found[each.name]) for each in question.processors], now=now)


def _is_to_stop(listing: Listing, stop: Stop) -> bool:
    listing.service.turn()
    listing.beat()
    return stop.is_set()


def _rest(seconds: float, listing: Listing, stop: Stop) -> None:
    """So many seconds are over, or it is time to stop."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stop.is_set():
        listing.service.turn()
        with suppress(*OUTAGES):
            listing.beat()
        time.sleep(TICK)
