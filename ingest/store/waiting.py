"""What waits for a person: dead deliveries as they are listed, and what is decided about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from ingest.store import dead as deaths
from ingest.store import subscriptions
from ingest.store.engine import Tx
from ingest.store.schema import attempts, dead, deliveries, events, lanes
from ingest.store.schema import subscriptions as subscription_table
from ingest.store.selection import Selection, narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
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


def waiting(tx: Tx, selection: Selection, *, processor: str | None = None) -> list[Waiting]:
    """The dead deliveries of the events that match, of one processor or of all, oldest first.

    Raises `NotFound` for a processor that is not subscribed.
    """
    statement = narrowed(_WAITING, replace(selection, status=None))
    if processor is not None:
        statement = statement.where(dead.c.generation_id == subscriptions.find(tx, processor).generation_id)
    return [Waiting(**row) for row in tx.execute(statement).mappings()]


def retry(tx: Tx, one: Waiting, *, who: str, reason: str, now: datetime) -> bool:
    """The delivery is due again; who wanted it and why is kept. False when it is not dead any more."""
    if not deaths.retry(tx, one, now=now):
        return False
    if reason:
        _remember(tx, one, who=who, ended="retried", reason=reason, now=now)
    return True


def discard(tx: Tx, one: Waiting, *, who: str, reason: str, now: datetime) -> bool:
    """The delivery has ended as discarded, by whom and why. False when it is not dead any more."""
    key = one.generation_id, one.position
    outcome = deaths.outcome_row(key, state="discarded", note=f"{who}: {reason}", ended_at=now)
    return deaths.close(tx, one, outcome, now=now)


def _remember(tx: Tx, one: Waiting, *, who: str, ended: str, reason: str, now: datetime) -> None:
    row: dict[str, Any] = {
        "generation_id": one.generation_id,
        "position": one.position,
        "n": one.attempts + one.crashes,
        "worker": who,
        "ended_at": now,
        "ended": ended,
        "error": reason,
    }
    tx.execute(insert(attempts), row)


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
_WAITING = (
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
