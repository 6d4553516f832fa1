"""Deliveries: one event to be worked off by one processor, and how each ends.

A delivery leaves its table when it ends; what it came to stands in `outcomes`
or `dead`. An attempt that came to nothing stands in `attempts`; the one that
came to something is told by its outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import bindparam, delete, update

from ingest.domain.instants import micros
from ingest.domain.retry import Budget
from ingest.store import lanes
from ingest.store.dead import bury, outcome_row, record_outcomes
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.held import Held
from ingest.store.schema import attempts, deliveries

AfterFailure = Literal["retrying", "dead", "superseded"]
ERROR_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a delivery that is done came to."""

    held: Held
    started_at: datetime
    version: str  # of the processor
    rows_in: int = 0
    rows_booked: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0
    facts: int = 0
    digest: str = ""
    verdict: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a try ended without an outcome."""

    held: Held
    started_at: datetime | None
    error: str
    is_permanent: bool = False
    is_crash: bool = False
    not_before: timedelta | None = None  # how long the other side wants to be left alone
    is_unreplayable: bool = False  # the bytes it is about are not what they were; it was not run


def complete(tx: Tx, outcomes: Sequence[Outcome], *, worker: str, now: datetime) -> None:
    """These deliveries are done: they have left their lanes, and their outcomes stand."""
    remove(tx, [outcome.held for outcome in outcomes])
    record_outcomes(
        tx,
        [
            outcome_row(
                (o.held.lane.generation_id, o.held.position),
                state="done",
                version=o.version,
                counts=(o.rows_in, o.rows_booked, o.rows_duplicate, o.rows_rejected, o.facts),
                digest=o.digest,
                verdict=o.verdict,
                note=o.note,
                ran=(o.held.failures + 1, worker, micros(o.started_at)),
                ended_at=now,
            )
            for o in outcomes
        ],
    )


def fail(  # noqa: PLR0913  # what failed, by what rules, who says so and when
    tx: Tx, failure: Failure, *, budget: Budget, on_dead: str, jitter: float, worker: str, now: datetime
) -> AfterFailure:
    """This try failed: the delivery waits at the head of its lane, or is dead, or superseded.

    The claim on the lane ends. `jitter` is a random share, 0 to 1, of the full backoff.
    """
    held = failure.held
    tries = held.attempts + (not failure.is_crash), held.crashes + failure.is_crash
    is_dead = failure.is_permanent or budget.is_spent(attempts=tries[0], crashes=tries[1])
    ended = "crashed" if failure.is_crash else "failed"
    record_attempt(tx, failure, worker=worker, ended=ended, now=now)
    if is_dead:
        remove(tx, [held])
        verdict = "unreplayable" if failure.is_unreplayable else "dead"
        return bury(
            tx,
            held,
            tries=tries,
            error=bounded(failure.error),
            on_dead=on_dead,
            now=now,
            verdict=verdict,
        )
    _charge(tx, held, tries, failure.error)
    if failure.is_crash:
        lanes.mark_single(tx, held.lane.id)
    asked = min(failure.not_before or timedelta(), budget.cap)
    lanes.wait(tx, held.lane, until=now + max(asked, budget.delay(sum(tries), jitter)))
    return "retrying"


def record_attempt(tx: Tx, failure: Failure, *, worker: str, ended: str, now: datetime) -> None:
    """A try that ended without an outcome stands in the history."""
    held = failure.held
    started = None if failure.started_at is None else micros(failure.started_at)
    row = (held.lane.generation_id, held.position, held.failures + 1, worker, started, micros(now), ended)
    _ATTEMPT.run(tx, [(*row, bounded(failure.error))])


def remove(tx: Tx, held: Sequence[Held]) -> None:
    """These deliveries have left their lanes."""
    _DELETE.run(tx, [(delivery.lane.id, delivery.keyseq) for delivery in held])


def bounded(error: str) -> str:
    """Error text as it is kept: capped."""
    return error if len(error) <= ERROR_CHARS else error[: ERROR_CHARS - 1] + "…"


def _charge(tx: Tx, held: Held, tries: tuple[int, int], error: str) -> None:
    tx.execute(
        _TRIES,
        {
            "of_lane": held.lane.id,
            "of_keyseq": held.keyseq,
            "attempts": tries[0],
            "crashes": tries[1],
            "error": bounded(error),
        },
    )


_THIS = (deliveries.c.lane_id == bindparam("of_lane"), deliveries.c.keyseq == bindparam("of_keyseq"))
_DELETE = Batch(delete(deliveries).where(*_THIS), "of_lane of_keyseq")
_TRIES = (
    update(deliveries)
    .where(*_THIS)
    .values(attempts=bindparam("attempts"), crashes=bindparam("crashes"), error=bindparam("error"))
)
_COLUMNS = "generation_id position n worker started_at ended_at ended error"
_ATTEMPT = Batch(insert(attempts).values({name: bindparam(name) for name in _COLUMNS.split()}), _COLUMNS)
