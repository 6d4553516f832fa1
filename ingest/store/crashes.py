"""Charging crashes: to the delivery that ran when its process died, and to no other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, true, update

from ingest.domain.retry import Budget
from ingest.store import lanes
from ingest.store.deliveries import AfterFailure, Failure, fail
from ingest.store.engine import Tx
from ingest.store.held import Held, fetch
from ingest.store.lanes import Lane
from ingest.store.presence import Running
from ingest.store.schema import generations, subscriptions
from ingest.store.schema import lanes as lane_table


def charge(
    tx: Tx, worker: str, ran: Running, *, error: str, jitter: float, now: datetime
) -> AfterFailure | None:
    """The delivery that ran has one crash more, and waits or is dead; None when it had ended."""
    at = {"lane_id": ran.lane_id, "fence": ran.fence, "worker": worker}
    row = tx.execute(_LEASED, at).first()
    if row is None:
        return None
    lane = Lane(row.id, row.generation_id, row.key, row.fence)
    held = next((h for h in fetch(tx, [lane]) if h.keyseq == ran.keyseq), None)
    return None if held is None else _fail(tx, held, error, jitter, worker, now)


def charge_all(tx: Tx, worker: str, *, error: str, jitter: float, now: datetime) -> None:
    """Nobody knows which delivery ran: the head of every lane the worker leased is charged."""
    for row in tx.execute(_LEASED_BY, {"worker": worker}).all():
        heads = fetch(tx, [Lane(row.id, row.generation_id, row.key, row.fence)])
        if heads:
            _fail(tx, heads[0], error, jitter, worker, now)


def distrust(tx: Tx, worker: str, child: int) -> None:
    """A child died while nothing ran: a result may be to blame, so its lanes are run one at a time."""
    tx.execute(_DISTRUST, {"of_worker": worker, "of_child": child})


def release(  # noqa: PLR0913  # who died, doing what, and when
    tx: Tx,
    worker: str,
    child: int | None,
    ran: Sequence[Running],
    *,
    error: str,
    jitter: float,
    now: datetime,
) -> list[AfterFailure]:
    """What a dead worker, or a dead child of a live one, held is ready for others; what ran is charged."""
    charged = [charge(tx, worker, one, error=error, jitter=jitter, now=now) for one in ran]
    if not any(charged) and child is not None:
        distrust(tx, worker, child)
    lanes.release(tx, worker, child, now=now)
    return [ended for ended in charged if ended is not None]


def _fail(tx: Tx, held: Held, error: str, jitter: float, worker: str, now: datetime) -> AfterFailure:
    rules = tx.execute(_RULES, {"generation": held.lane.generation_id}).one()
    failure = Failure(held=held, started_at=None, error=error, is_crash=True)
    return fail(
        tx, failure, budget=_budget(rules), on_dead=rules.on_dead, jitter=jitter, worker=worker, now=now
    )


def _budget(rules: Any) -> Budget:
    found = json.loads(rules.settings)
    return Budget(
        max_attempts=found["max_attempts"],
        max_crashes=found["max_crashes"],
        base=timedelta(seconds=found["backoff_base"]),
        cap=timedelta(seconds=found["backoff_cap"]),
    )


_LEASED = select(lane_table).where(
    lane_table.c.id == bindparam("lane_id"),
    lane_table.c.fence == bindparam("fence"),
    lane_table.c.worker == bindparam("worker"),
    lane_table.c.state == "leased",
)
_LEASED_BY = select(lane_table).where(
    lane_table.c.worker == bindparam("worker"), lane_table.c.state == "leased"
)
_RULES = (
    select(subscriptions.c.settings, subscriptions.c.on_dead)
    .join(generations, generations.c.processor == subscriptions.c.processor)
    .where(generations.c.id == bindparam("generation"))
)
_DISTRUST = (
    update(lane_table)
    .where(
        lane_table.c.worker == bindparam("of_worker"),
        lane_table.c.child == bindparam("of_child"),
        lane_table.c.state == "leased",
    )
    .values(is_single=true())
)
