"""Retention runs: who let go of how much, why and when. What a run took names it ever after."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from ingest.store.engine import Tx
from ingest.store.schema import retention_runs

_COUNTS = ("outcomes", "contents", "content_bytes", "events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, and all it may take: what is from before `cutoff`."""

    id: str
    cutoff: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the record says of a run."""

    id: str
    who: str
    reason: str
    cutoff: datetime
    started_at: datetime
    ended_at: datetime | None  # None: it goes on, or was interrupted
    outcomes: int
    contents: int
    content_bytes: int
    events: int


def begin(tx: Tx, *, who: str, reason: str, cutoff: datetime, now: datetime) -> Run:
    """A run is recorded that has taken nothing yet."""
    run = Run(id=f"t-{uuid.uuid4().hex[:12]}", cutoff=cutoff)
    about = {"id": run.id, "who": who, "reason": reason, "cutoff": cutoff, "started_at": now}
    tx.execute(insert(retention_runs), {**about, **dict.fromkeys(_COUNTS, 0)})
    return run


def count(tx: Tx, run: Run, **more: int) -> None:
    """The run has taken so much more, by the names of what it counts."""
    tx.execute(_MORE, {"of_run": run.id, **{f"more_{name}": more.get(name, 0) for name in _COUNTS}})


def end(tx: Tx, run: Run, *, now: datetime) -> None:
    """The run takes nothing any more."""
    tx.execute(_END, {"of_run": run.id, "now": now})


def every(tx: Tx) -> list[Recorded]:
    """All runs there were, newest last."""
    statement = select(retention_runs).order_by(retention_runs.c.started_at, retention_runs.c.id)
    return [Recorded(**row) for row in tx.execute(statement).mappings()]


_OF_RUN = retention_runs.c.id == bindparam("of_run")
_MORE = (
    update(retention_runs)
    .where(_OF_RUN)
    .values({name: retention_runs.c[name] + bindparam(f"more_{name}") for name in _COUNTS})
)
_END = (
    update(retention_runs)
    .where(_OF_RUN, retention_runs.c.ended_at.is_(None))
    .values(ended_at=bindparam("now", type_=retention_runs.c.ended_at.type))
)
