"""What the status says, read from one snapshot: sources, processors, workers, the log and the archive.

Every figure is one statement that follows an index or reads narrow rows only,
so that a million outcomes are reported in less than a second. Nothing here writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, exists, func, literal_column, select, true

from ingest.store.dialect import whole_sum
from ingest.store.engine import Tx
from ingest.store.schema import (
    dead,
    deliveries,
    events,
    generations,
    lanes,
    outcome_totals,
    outcomes,
    sightings,
    sources,
    subscriptions,
)
from ingest.store.workers import live

IsDead = Callable[[str, str], bool]  # (worker id, host): proved dead, whatever its lease says


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """What is known of one source; counts are totals but for `settling` and `ignored`, which are now."""

    name: str
    path: str
    mode: str
    state: str  # ok | idle | unavailable | degraded
    proof: str
    last_scan_at: datetime | None
    settling: int
    landed: int
    redelivered: int
    refused: int
    ignored: int
    error: str
    suppressed: int = 0
    settling_since: datetime | None = None  # of the one that waits longest


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorStatus:
    """How far one processor is with its live work."""

    name: str
    version: str
    state: str  # active | paused
    waiting: int  # due or queued, behind a retry or a parked key included
    running: int
    retrying: int  # heads awaiting their time
    dead: int
    done: int  # outcomes
    parked_keys: int
    oldest_waiting_s: float | None
    last_position: int | None
    filling: bool  # past events are still being made due


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """One worker or watcher that has not ended."""

    id: str
    kind: str  # worker | watcher
    host: str
    pid: int
    state: str  # active | stopping | stale
    started_at: datetime
    beat_age_s: float


def source_statuses(tx: Tx, *, watchers: Sequence[WorkerStatus]) -> list[SourceStatus]:
    """Every source a watcher has seen, by name; one that no live watcher has scanned is idle, not ok."""
    began = min((w.started_at for w in watchers if w.state != "stale"), default=None)
    settling = {
        row.source: {"settling": row.settling, "settling_since": row.settling_since}
        for row in tx.execute(_SETTLING)
    }
    found = [
        SourceStatus(**{"settling": 0, **row, **settling.get(row.name, {})})
        for row in tx.execute(_SOURCES).mappings()
    ]
    return [source if _is_watched(source, began) else _idle(source) for source in found]


def processor_statuses(tx: Tx, *, now: datetime) -> list[ProcessorStatus]:
    """Every subscribed processor, by name, with the counts of its live generation."""
    queued = {row.generation_id: row for row in tx.execute(_QUEUED)}
    running: Counter[int] = Counter()
    for row in tx.execute(_RUNNING):
        running[row.generation_id] += row.started
    died = {row.generation_id: row for row in tx.execute(_DEAD)}
    return [_processor(tx, row, queued, running, died, now) for row in tx.execute(_SUBSCRIBED)]


def worker_statuses(tx: Tx, kind: str, *, is_dead: IsDead, now: datetime) -> list[WorkerStatus]:
    """Those of this kind that have not ended, oldest first; one past its lease, or proved dead, is stale."""
    return [
        WorkerStatus(
            id=row.id,
            kind=row.kind,
            host=row.host,
            pid=row.pid,
            state="stale" if row.lease_until < now or is_dead(row.id, row.host) else row.state,
            started_at=row.started_at,
            beat_age_s=max((now - row.beat_at).total_seconds(), 0.0),
        )
        for row in live(tx, kind)
    ]


def head_position(tx: Tx) -> int:
    """The position of the newest event; 0 in an empty log."""
    return int(tx.execute(_HEAD).scalar_one())


def _is_watched(source: SourceStatus, began: datetime | None) -> bool:
    """True when a watcher that lives, and began then or later, has scanned the source."""
    return began is not None and source.last_scan_at is not None and source.last_scan_at >= began


def _idle(source: SourceStatus) -> SourceStatus:
    return replace(source, state="idle") if source.state == "ok" else source


def _processor(  # what each statement found
    tx: Tx, row: Any, queued: dict[int, Any], running: Counter[int], died: dict[int, Any], now: datetime
) -> ProcessorStatus:
    of_generation = {"of_generation": row.generation_id, "now": now}
    total, in_hand, buried = (
        queued.get(row.generation_id),
        running[row.generation_id],
        died.get(row.generation_id),
    )
    retrying = tx.execute(_RETRYING, of_generation).scalar_one()
    ended = tx.execute(_ENDED, of_generation).one()
    return ProcessorStatus(
        name=row.processor,
        version=row.version,
        state=row.state,
        waiting=max(total.queued - in_hand - retrying, 0) if total else 0,
        running=in_hand,
        retrying=retrying,
        dead=buried.dead if buried else 0,
        done=ended.done,
        parked_keys=buried.parked if buried else 0,
        oldest_waiting_s=_age(tx, total.oldest, now) if total else None,
        last_position=ended.last,
        filling=row.generation_state == "filling",
    )


def _age(tx: Tx, position: int, now: datetime) -> float:
    """Seconds since the event at `position` happened."""
    happened = tx.execute(_TIME, {"of_position": position}).scalar()
    return 0.0 if happened is None else max((now - happened).total_seconds(), 0.0)


_OF_GENERATION: BindParameter[Any] = bindparam("of_generation")
_LEASED = lanes.c.state == literal_column("'leased'")
_SOURCES = select(
    sources.c.name,
    sources.c.path,
    sources.c.mode,
    sources.c.state,
    sources.c.proof,
    sources.c.last_scan_at,
    sources.c.landed,
    sources.c.redelivered,
    sources.c.refused,
    sources.c.ignored,
    sources.c.error,
    sources.c.suppressed,
).order_by(sources.c.name)
_SETTLING = (
    select(
        sightings.c.source,
        func.count().label("settling"),
        func.min(sightings.c.since).label("settling_since"),
    )
    .where(sightings.c.state != literal_column("'landed'"), sightings.c.state == "settling")
    .group_by(sightings.c.source)
)
_SUBSCRIBED = (
    select(
        subscriptions.c.processor,
        subscriptions.c.version,
        subscriptions.c.state,
        subscriptions.c.generation_id,
        generations.c.state.label("generation_state"),
    )
    .join(generations, generations.c.id == subscriptions.c.generation_id)
    .order_by(subscriptions.c.processor)
)
_QUEUED = (
    select(
        lanes.c.generation_id, func.count().label("queued"), func.min(deliveries.c.position).label("oldest")
    )
    .select_from(deliveries)
    .join(lanes, lanes.c.id == deliveries.c.lane_id)
    .group_by(lanes.c.generation_id)
)
_RUNNING = select(  # lane by lane, few: to group them, SQLite would go through all lanes
    lanes.c.generation_id,
    select(func.count())
    .where(deliveries.c.lane_id == lanes.c.id, deliveries.c.keyseq <= lanes.c.held_to)
    .scalar_subquery()
    .label("started"),
).where(_LEASED)
_RETRYING = (
    select(func.count())
    .select_from(lanes)
    .where(
        lanes.c.generation_id == _OF_GENERATION,
        lanes.c.state == literal_column("'ready'"),
        lanes.c.available_at > bindparam("now", type_=lanes.c.available_at.type),
        exists().where(deliveries.c.lane_id == lanes.c.id, deliveries.c.attempts + deliveries.c.crashes > 0),
    )
)
_DEAD = select(
    dead.c.generation_id,
    func.count().label("dead"),
    func.count().filter(dead.c.is_parking == true()).label("parked"),
).group_by(dead.c.generation_id)
_ENDED = select(
    select(whole_sum(outcome_totals.c.outcomes))
    .where(outcome_totals.c.generation_id == _OF_GENERATION)
    .scalar_subquery()
    .label("done"),
    select(func.max(outcomes.c.position))
    .where(outcomes.c.generation_id == _OF_GENERATION)
    .scalar_subquery()
    .label("last"),
)
_TIME = select(events.c.time).where(events.c.position == bindparam("of_position"))
_HEAD = select(func.coalesce(func.max(events.c.position), 0))
