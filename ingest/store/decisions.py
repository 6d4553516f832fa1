"""Dead deliveries, which wait for a person, and what is decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, func, literal_column, select

from ingest.domain.instants import micros
from ingest.store import dead as deaths
from ingest.store import subscriptions
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.schema import attempts, dead, deliveries, events, lanes
from ingest.store.schema import subscriptions as subscription_table
from ingest.store.selection import Selection, narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadDelivery:
    """A dead delivery of live work; it has the columns by which it is retried or closed."""

    generation_id: int
    position: int
    lane_key: str
    keyseq: int
    is_parking: bool
    event_id: str
    processor: str
    key: str  # partition key
    attempts: int
    crashes: int
    error: str
    since: datetime
    behind: int  # deliveries that wait behind it


def undecided(tx: Tx, selection: Selection, *, processor: str | None = None) -> list[DeadDelivery]:
    """The dead deliveries of the events that match, of one processor or of all, oldest first.

    Raises `NotFound` for a processor that is not subscribed.
    """
    statement = narrowed(_UNDECIDED, replace(selection, status=None))
    if processor is not None:
        statement = statement.where(dead.c.generation_id == subscriptions.find(tx, processor).generation_id)
    return [DeadDelivery(**row) for row in tx.execute(statement).mappings()]


def retry(
    tx: Tx, some: Sequence[DeadDelivery], *, who: str, reason: str, now: datetime
) -> list[DeadDelivery]:
    """Those that are still dead are due again, and who wanted it and why is kept; which they are."""
    again = deaths.retry(tx, some, now=now)
    if reason:
        _REMEMBER.run(
            tx,
            [
                (one.generation_id, one.position, one.attempts + one.crashes, who, micros(now), reason)
                for one in again
            ],
        )
    return again


def discard(
    tx: Tx, some: Sequence[DeadDelivery], *, who: str, reason: str, now: datetime
) -> list[DeadDelivery]:
    """Those that are still dead have ended as discarded, by whom and why; which they are."""
    note = f"{who}: {reason}"
    ended = [
        deaths.outcome_row((one.generation_id, one.position), state="discarded", note=note, ended_at=now)
        for one in some
    ]
    return deaths.close(tx, some, ended, now=now)


_BEHIND = (
    select(func.count())
    .select_from(lanes)
    .join(deliveries, deliveries.c.lane_id == lanes.c.id)
    .where(
        lanes.c.generation_id == dead.c.generation_id,
        lanes.c.key == dead.c.lane_key,
        dead.c.is_parking,
    )
    .scalar_subquery()
)
_REMEMBER = Batch(
    insert(attempts).values(
        generation_id=bindparam("generation_id"),
        position=bindparam("position"),
        n=bindparam("n"),
        worker=bindparam("worker"),
        ended_at=bindparam("ended_at", type_=attempts.c.n.type),
        ended=literal_column("'retried'"),
        error=bindparam("error"),
    ),
    "generation_id position n worker ended_at error",
)
_UNDECIDED = (
    select(
        dead.c.generation_id,
        dead.c.position,
        dead.c.lane_key,
        dead.c.keyseq,
        dead.c.is_parking,
        events.c.id.label("event_id"),
        subscription_table.c.processor,
        events.c.key,
        dead.c.attempts,
        dead.c.crashes,
        dead.c.error,
        dead.c.since,
        _BEHIND.label("behind"),
    )
    .select_from(dead)
    .join(subscription_table, subscription_table.c.generation_id == dead.c.generation_id)
    .join(events, events.c.position == dead.c.position)
    .order_by(dead.c.since, dead.c.generation_id, dead.c.position)
)
