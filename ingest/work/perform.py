"""Running one processor on one event, and naming what went wrong; nothing is written here."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ingest.config.masking import mask_url
from ingest.contract import Processor
from ingest.domain.codec import decode, typed
from ingest.domain.events import Event
from ingest.domain.scrubbing import scrub
from ingest.domain.showing import show
from ingest.domain.upcast import as_accepted
from ingest.errors import IngestError, PermanentError, TryLater
from ingest.store.calls import Made
from ingest.store.comparing import Compared
from ingest.store.deliveries import Failure
from ingest.store.held import Held
from ingest.work.context import Collector, Surroundings
from ingest.work.outages import behind
from ingest.work.proving import Proving
from ingest.work.spool import Spool

MESSAGE_CHARS = 300
_LONGEST = 30 * 24 * 3600.0  # seconds that anybody may ask to be left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """A run that has ended: what it handed over, and how it failed where it did.

    For a delivery that is calling: the calls that were made, and nothing handed over.
    """

    held: Held
    started_at: datetime
    spool: Spool
    failure: Failure | None = None
    made: tuple[Made, ...] = ()
    compared: Compared | None = None  # in a shadow replay: what applying it would change


def perform(
    held: Held, processor: Processor, around: Surroundings, clock: Callable[[], datetime]
) -> Performed:
    """The processor has run on the delivered event; whatever it raised is in `failure`.

    Raises an outage of the surroundings that stood in its way: that is no
    failure of the processor, not even where it caught it and went on.
    """
    started_at = clock()
    failure = None
    collector, spool = None, Spool()
    try:
        event = as_accepted(decode(held.body, held.keyseq), frozenset(processor.accepts))
        collector = Collector(
            event, origin=held.origin, content=held.content, around=around, calls=processor.owned_calls
        )
        processor(typed(event), collector)
        spool = collector.seal()
    except BaseException as error:  # a processor may raise anything; it is recorded
        if is_from_terminal(error):
            raise
        outage = behind(error)
        if outage is not None:
            raise outage from error
        failure = failed(held, started_at, error)
        spool = _what_was_handed_over(collector)
    if collector is not None and collector.outage is not None:
        raise collector.outage
    return Performed(held=held, started_at=started_at, spool=spool, failure=failure)


def perform_again(
    held: Held, processor: Processor, around: Surroundings, clock: Callable[[], datetime]
) -> Performed:
    """As `perform`, for a past event.

    The bytes of a file are proved before its landing is handled, and without
    them nothing is run. Those behind a fact that was brought about by another
    are proved where they are asked for: thousands of facts may share a file.
    """
    if held.content is None:
        return perform(held, processor, around, clock)
    with Proving(around.open) as bytes_:
        if (root := _as_root(held)) is not None:
            bytes_.prove(held.content, root)
        if bytes_.lost is None:
            run = perform(held, processor, replace(around, open=bytes_.open), clock)
            if bytes_.lost is None:
                return run
            run.spool.close()
        failure = Failure(
            held=held,
            started_at=clock(),
            error=describe(bytes_.lost),
            is_permanent=True,
            is_unreplayable=True,
        )
    return Performed(held=held, started_at=clock(), spool=Spool(), failure=failure)


def _as_root(held: Held) -> Event | None:
    """The event, where it is about a file itself; None for a fact that a processor emitted."""
    try:
        event = decode(held.body, held.keyseq)
    except PermanentError:  # it is none of ours: running it will say so
        return None
    return event if event.causationid is None else None


def _what_was_handed_over(collector: Collector | None) -> Spool:
    """What a processor handed over before it failed: its refusals may still be kept."""
    if collector is None:
        return Spool()
    try:
        return collector.seal()
    except (MemoryError, OSError):
        collector.spool.close()
        return Spool()


def is_from_terminal(error: BaseException) -> bool:
    """True of a person's Ctrl-C, where it can reach this process."""
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def failed(
    held: Held, started_at: datetime, error: BaseException, *, doing: str = "", is_permanent: bool = False
) -> Failure:
    """What a processor, or a call of it, raised, as it is recorded."""
    return Failure(
        held=held,
        started_at=started_at,
        error=f"{doing}{describe(error)}",
        is_permanent=is_permanent or isinstance(error, PermanentError),
        is_crash=isinstance(error, MemoryError),
        not_before=_wait(error.after) if isinstance(error, TryLater) else None,
    )


def _wait(seconds: float) -> timedelta:
    """What was asked for, within reason; who asks for nonsense is not waited for."""
    return timedelta(seconds=seconds) if 0 < seconds < _LONGEST else timedelta()


def describe(error: BaseException) -> str:
    """One bounded, escaped line: the error's class, its message, and where it was raised.

    An unexpected error's message may quote the file it was reading, so what
    it quotes is taken out; a deliberate one is kept with its hint. Passwords
    in addresses are masked.
    """
    if isinstance(error, IngestError):
        text = f"{error.message} ({error.hint})" if error.hint else error.message
        return show(mask_url(text)[:MESSAGE_CHARS])
    where = traceback.extract_tb(error.__traceback__)[-1:] if error.__traceback__ else []
    place = f" at {where[0].filename.rsplit('/', 1)[-1]}:{where[0].lineno}" if where else ""
    said = scrub(mask_url(_words(error)))[:MESSAGE_CHARS]
    return show(f"{type(error).__name__}: {said}{place}" if said else f"{type(error).__name__}{place}")


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # a processor's own class of error may be broken too
        return ""
