"""Workers and watchers: who lives, who has gone, and what the gone ones leave behind.

A lease is the worker's, not the lane's: one row is beaten, however many lanes are held.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from ingest.store import lanes
from ingest.store.dialect import enter_registration
from ingest.store.engine import Tx
from ingest.store.presence import Presence
from ingest.store.schema import workers

LIVE = ("active", "stopping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One start of `work` or `watch`; its id is never used again."""

    id: str
    kind: str  # worker | watcher
    host: str
    pid: int
    settings: str = ""  # digest of what must be equal among live workers


def this_process(me: Presence, *, settings: str = "") -> Worker:
    """This process, which `me` shows to be alive, as it is listed."""
    return Worker(id=me.id, kind=me.kind, host=me.host, pid=os.getpid(), settings=settings)


def enlist(tx: Tx, worker: Worker, *, lease: timedelta, now: datetime) -> None:
    """The worker is known and its lease runs."""
    enter_registration(tx)
    tx.execute(
        insert(workers),
        {
            "id": worker.id,
            "kind": worker.kind,
            "host": worker.host,
            "pid": worker.pid,
            "settings": worker.settings,
            "state": "active",
            "started_at": now,
            "beat_at": now,
            "lease_until": now + lease,
        },
    )


def beat(tx: Tx, worker_id: str, *, lease: timedelta, now: datetime, state: str = "active") -> bool:
    """The lease runs from now; False when the worker was taken for dead meanwhile."""
    values = {"of_id": worker_id, "beat_at": now, "lease_until": now + lease, "state": state}
    return bool(tx.execute(_BEAT, values).rowcount)


def is_live(tx: Tx, worker_id: str) -> bool:
    """True while nobody took the worker for dead and it has not ended."""
    return bool(tx.execute(_IS_LIVE, {"of_id": worker_id}).first())


def retire(tx: Tx, worker_id: str, *, now: datetime) -> None:
    """The worker has stopped by itself; what it still held is ready for others, at no charge."""
    lanes.release(tx, worker_id, now=now)
    tx.execute(_END, {"of_id": worker_id, "state": "stopped"})


def gone(tx: Tx, *, is_dead: Callable[[str, str], bool], now: datetime) -> list[str]:
    """The workers that are dead: proved so by `is_dead(id, host)`, or past their lease."""
    rows = tx.execute(_LIVE_ONES).all()
    return [row.id for row in rows if row.lease_until < now or is_dead(row.id, row.host)]


def bury_worker(tx: Tx, worker_id: str) -> bool:
    """The worker counts as dead; False when it was buried, or came to its end, before."""
    return bool(tx.execute(_END, {"of_id": worker_id, "state": "stale"}).rowcount)


def live(tx: Tx, kind: str) -> Sequence[Any]:
    """Rows of the workers of this kind that have not ended."""
    return [row for row in tx.execute(_LIVE_ONES).all() if row.kind == kind]


_LIVE_ONES = select(workers).where(workers.c.state.in_(LIVE)).order_by(workers.c.started_at)
_ALIVE = workers.c.state.in_(LIVE)
_IS_LIVE = select(workers.c.id).where(workers.c.id == bindparam("of_id"), _ALIVE)
_BEAT = (
    update(workers)
    .where(workers.c.id == bindparam("of_id"), _ALIVE)
    .values(beat_at=bindparam("beat_at"), lease_until=bindparam("lease_until"), state=bindparam("state"))
)
_END = update(workers).where(workers.c.id == bindparam("of_id"), _ALIVE).values(state=bindparam("state"))
