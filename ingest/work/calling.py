"""Making the calls of a delivery whose rows and facts stand, with no transaction open.

Before each call the claim is proved: a worker that was fenced out calls
nothing more. A call that must not be repeated is marked as begun, durably,
before it is made; found so marked, it is not made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.domain.codec import canonical_json
from ingest.domain.showing import show
from ingest.errors import CannotWrite, ClaimLost, PermanentError, TryAgain, Unreachable
from ingest.store import calls, lanes
from ingest.store.calls import Made, OpenCall
from ingest.store.engine import Store
from ingest.store.held import Held
from ingest.work.perform import Performed, failed, is_from_terminal
from ingest.work.spool import Spool
from ingest.work.trade import Trade

_log = logging.getLogger(__name__)

MAX_RESULT = 64 * 1024  # bytes of a result as JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Makes calls for the deliveries that one child holds."""

    store: Store
    clock: Callable[[], datetime]
    is_stopping: Callable[[], bool]

    def call(self, held: Held, trade: Trade, *, scope: str) -> Performed:
        """The open calls of the delivery were made in order, up to one that failed or a wish to stop.

        Raises `ClaimLost` when the delivery's lane was claimed by another
        worker meanwhile; what was called until then it will call again, under the same keys.
        """
        started_at = self.clock()
        made: list[Made] = []
        failure = None
        for open_call in self._open(held, trade, scope):
            try:
                self._claim(held, open_call)
                made.append(self._make(open_call, trade))
            except (ClaimLost, CannotWrite, TryAgain, Unreachable):  # of the store's, not of the call
                raise
            except BaseException as error:  # a call may raise anything; it is recorded
                if is_from_terminal(error):
                    raise
                failure = failed(
                    held,
                    started_at,
                    error,
                    doing=f"call {show(open_call.name)}: ",
                    is_permanent=not open_call.is_repeatable,
                )
                break
        return Performed(held=held, started_at=started_at, spool=Spool(), failure=failure, made=tuple(made))

    def _open(self, held: Held, trade: Trade, scope: str) -> Iterator[OpenCall]:
        with self.store.read() as tx:
            found = calls.open_calls(tx, held, trade.spec.name, scope=scope)
        for open_call in found:
            if self.is_stopping():
                return
            yield open_call

    def _claim(self, held: Held, wanted: OpenCall) -> None:
        if wanted.is_repeatable:
            with self.store.read() as tx:
                if not lanes.still_held(tx, [held.lane]):
                    raise ClaimLost("a lane was claimed by another worker meanwhile; nothing more is called")
            return
        if wanted.was_begun or not self._begin(held, wanted):
            raise PermanentError(
                "it was begun before and its result is not known; it must not be repeated",
                hint="ask the receiver: `ingest dead retry` calls again, `ingest dead discard` leaves it;"
                " where nothing is dead, `ingest replay --mode force` calls again",
            )

    def _begin(self, held: Held, wanted: OpenCall) -> bool:
        with self.store.write() as tx:
            lanes.prove(tx, [held.lane])
            return calls.begin(tx, wanted.key, now=self.clock())

    def _make(self, wanted: OpenCall, trade: Trade) -> Made:
        function = trade.processor.owned_calls().get(wanted.function)
        if function is None:
            raise PermanentError(
                f"the processor's module has no call {wanted.function!r} any more",
                hint="bring it back, then `ingest dead retry`",
            )
        result = function(wanted.value(), key=wanted.key, options=trade.spec.options)
        return Made(key=wanted.key, name=wanted.name, result=_kept(result, wanted.name), at=self.clock())


def _kept(result: Any, name: str) -> str | None:
    """The result as JSON; left out where it cannot be kept: no call is made again for that."""
    if result is None:
        return None
    try:
        kept = canonical_json(result)
        if len(kept.encode()) <= MAX_RESULT:
            return kept
    except (TypeError, ValueError, RecursionError):
        pass
    _log.warning("call %s: what it returned is no JSON of at most %d bytes; not kept", show(name), MAX_RESULT)
    return None
