"""Running one processor on one event, and naming what went wrong; nothing is written here."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ingest.contract import Processor
from ingest.domain.codec import decode, typed
from ingest.domain.showing import show
from ingest.errors import IngestError, PermanentError
from ingest.store.deliveries import Failure
from ingest.store.held import Held
from ingest.work.context import Collector, Surroundings
from ingest.work.spool import Spool

MESSAGE_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """A run that has ended: what it handed over, and how it failed where it did."""

    held: Held
    started_at: datetime
    spool: Spool
    failure: Failure | None = None


def perform(
    held: Held, processor: Processor, around: Surroundings, clock: Callable[[], datetime]
) -> Performed:
    """The processor has run on the delivered event; whatever it raised is in `failure`."""
    started_at = clock()
    failure = None
    collector = None
    try:
        event = decode(held.body, held.keyseq)
        collector = Collector(
            event, origin=held.origin, content=held.content, around=around, calls=processor.owned_calls
        )
        processor(typed(event), collector)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a processor may raise anything; it is recorded
        failure = Failure(
            held=held,
            started_at=started_at,
            error=describe(error),
            is_permanent=isinstance(error, PermanentError),
        )
    spool = Spool() if collector is None else collector.seal()
    return Performed(held=held, started_at=started_at, spool=spool, failure=failure)


def describe(error: BaseException) -> str:
    """One bounded, escaped line: the error's class, its message, and where it was raised.

    An unexpected error's message may quote the file it was reading, so only
    its beginning is kept; a deliberate one is kept with its hint.
    """
    if isinstance(error, IngestError):
        text = f"{error.message} ({error.hint})" if error.hint else error.message
        return show(text[:MESSAGE_CHARS])
    where = traceback.extract_tb(error.__traceback__)[-1:] if error.__traceback__ else []
    place = f" at {where[0].filename.rsplit('/', 1)[-1]}:{where[0].lineno}" if where else ""
    said = str(error)[:MESSAGE_CHARS]
    return show(f"{type(error).__name__}: {said}{place}" if said else f"{type(error).__name__}{place}")
