"""Replays: recorded requests that past events be due again, in generations of their own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, and_, bindparam, case, delete, exists, func, insert, select, update

from ingest.domain.naming import digest_of
from ingest.errors import NotFound, UsageError
from ingest.store import subscriptions
from ingest.store.dialect import enter_past, whole_sum
from ingest.store.engine import Tx
from ingest.store.filling import concerned
from ingest.store.routing import Subscription, live_subscriptions
from ingest.store.schema import calling, deliveries, events, generations, lanes, outcome_totals, replays
from ingest.store.selection import Fixed, Selection, fixed, narrowed

VERDICTS = ("unchanged", "repaired", "changed", "dead", "unreplayable")
OPEN = ("filling", "running", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The exact set of events a replay would make due for one processor, at one bound."""

    processor: str
    version: str  # of the processor
    selection: Selection
    chosen: Fixed  # the same set, said so that it cannot change any more
    generation_id: int  # of the processor's live work
    bound: int
    events: int
    first_position: int | None
    last_position: int | None
    digest: str  # over the positions


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """How far a replay has come and what it found."""

    id: str
    generation_id: int
    processor: str
    mode: str
    state: str
    plan_id: str
    reason: str
    who: str
    total: int
    first_position: int | None
    last_position: int | None
    done: int
    unchanged: int
    repaired: int
    changed: int
    dead: int
    superseded: int
    unreplayable: int
    requested_at: datetime
    ended_at: datetime | None


def head(tx: Tx) -> int:
    """The position of the newest event: where the write lock is held, nothing appears below it any more."""
    return int(tx.execute(_HEAD).scalar_one())


def plan(tx: Tx, processor: str, selection: Selection, *, bound: int | None = None) -> Plan:
    """What `selection` means for `processor` now: all that matches up to `bound`, or to the end of the log.

    Where `bound` was taken under the write lock, the set is stable though `tx`
    only reads, unless `selection` asks for what passes: see `still_holds`.
    """
    row, live = subscriptions.find(tx, processor), _subscription(tx, processor)
    up_to = head(tx) if bound is None else bound
    meant = narrowed(concerned(live), selection, generation_id=live.generation_id)
    found = meant.where(events.c.position <= up_to).with_only_columns(events.c.position)
    hasher, count, first, last = hashlib.sha256(), 0, None, None
    for position in tx.execute(found.order_by(events.c.position)).scalars():
        hasher.update(b"%d," % position)
        first, last, count = first or position, position, count + 1
    chosen = fixed(tx, concerned(live), selection, bound=up_to, generation_id=live.generation_id)
    return Plan(
        processor=processor,
        version=row.version,
        selection=selection,
        chosen=replace(chosen, accepts=live.accepts, origins=live.origins),
        generation_id=live.generation_id,
        bound=up_to,
        events=count,
        first_position=first,
        last_position=last,
        digest=hasher.hexdigest(),
    )


def still_holds(tx: Tx, planned: Plan) -> bool:
    """True when the set would be the same if it were planned in `tx` up to its bound; nothing is searched.

    The log is append-only and what is done stays done, so only another
    subscription changes it. What is dead or retrying may have ended meanwhile.
    """
    row, live = subscriptions.find(tx, planned.processor), _subscription(tx, planned.processor)
    then = (planned.version, planned.generation_id, planned.chosen.accepts, planned.chosen.origins)
    is_lasting = planned.selection.status in (None, "done")
    return is_lasting and then == (row.version, live.generation_id, live.accepts, live.origins)


def plan_id(plans: list[Plan], mode: str) -> str:
    """One short id of exactly these sets, processors, versions and criteria."""
    parts = [
        part
        for p in plans
        for part in (p.processor, p.version, p.selection.to_json(), str(p.events), p.digest)
    ]
    return digest_of("plan", mode, *parts)[:16]


def start(  # noqa: PLR0913  # who asks for what, why and when
    tx: Tx, planned: Plan, *, replay_id: str, plan_id: str, mode: str, reason: str, who: str, now: datetime
) -> None:
    """The planned set will be made due, window by window, in a generation of its own."""
    enter_past(tx)
    generation_id = subscriptions.open_generation(
        tx, planned.processor, kind="replay", bound=planned.bound, cursor=0, is_filled=False
    )
    tx.execute(
        insert(replays),
        {
            "id": replay_id,
            "generation_id": generation_id,
            "processor": planned.processor,
            "mode": mode,
            "selector": planned.chosen.to_json(),
            "bound": planned.bound,
            "plan_id": plan_id,
            "version": planned.version,
            "reason": reason,
            "who": who,
            "state": "filling",
            "total": 0,
            "requested_at": now,
        },
    )


def finish(tx: Tx, *, now: datetime) -> int:
    """Replays whose every delivery has ended are done; how many became so."""
    ended = tx.execute(_FINISH, {"now": now}).rowcount
    if ended:
        tx.execute(_CLOSE)
    return ended


def is_finishable(tx: Tx) -> bool:
    """True when `finish` would find something to do."""
    return bool(tx.execute(select(exists().where(_IS_THROUGH))).scalar())


def pause(tx: Tx, replay_id: str) -> None:
    """Nothing of the replay is claimed until it is resumed; raises `UsageError` once it has ended."""
    _move(tx, replay_id, dict.fromkeys(OPEN, "paused"), generation="paused")


def resume(tx: Tx, replay_id: str) -> None:
    """A replay that was paused goes on where it was; raises `UsageError` once it has ended."""
    row = _row(tx, replay_id)
    generation = tx.execute(select(generations).where(generations.c.id == row.generation_id)).one()
    is_filled = generation.cursor >= generation.bound
    _move(
        tx,
        replay_id,
        dict.fromkeys(OPEN, "running" if is_filled else "filling"),
        generation="open" if is_filled else "filling",
    )


def cancel(tx: Tx, replay_id: str, *, now: datetime) -> None:
    """What the replay has not begun is not due any more; what it did stands."""
    row = _row(tx, replay_id)
    _move(tx, replay_id, dict.fromkeys(OPEN, "cancelled"), generation="closed")
    mine = select(lanes.c.id).where(lanes.c.generation_id == row.generation_id)
    tx.execute(delete(deliveries).where(deliveries.c.lane_id.in_(mine)))
    for table in (lanes, calling):
        tx.execute(delete(table).where(table.c.generation_id == row.generation_id))
    tx.execute(update(replays).where(replays.c.id == replay_id).values(ended_at=now))


def reports(tx: Tx, replay_id: str | None = None) -> list[ReplayReport]:
    """Every replay, or the one, newest last; raises `NotFound` for an id that is none."""
    statement = _REPORTS if replay_id is None else _REPORTS.where(replays.c.id == replay_id)
    found = [ReplayReport(**row) for row in tx.execute(statement).mappings()]
    if replay_id is not None and not found:
        _row(tx, replay_id)
    return found


def ids_like(tx: Tx, beginning: str) -> list[str]:
    """The ids of replays that begin so, two of them at most."""
    bounds = (replays.c.id >= beginning, replays.c.id < beginning + "\x7f")
    return list(tx.execute(select(replays.c.id).where(*bounds).order_by(replays.c.id).limit(2)).scalars())


def _subscription(tx: Tx, processor: str) -> Subscription:
    return next(s for s in live_subscriptions(tx) if s.processor == processor)


def _row(tx: Tx, replay_id: str) -> Any:
    row = tx.execute(select(replays).where(replays.c.id == replay_id)).first()
    if row is None:
        raise NotFound(f"there is no replay {replay_id!r}", hint="see `ingest replays list`")
    return row


def _move(tx: Tx, replay_id: str, moves: dict[str, str], *, generation: str) -> None:
    row = _row(tx, replay_id)
    if row.state not in moves:
        raise UsageError(
            f"replay {replay_id} is {row.state}", hint=f"this works on one that is {' or '.join(moves)}"
        )
    tx.execute(
        update(replays)
        .where(replays.c.id == replay_id, replays.c.state == row.state)
        .values(state=moves[row.state])
    )
    tx.execute(update(generations).where(generations.c.id == row.generation_id).values(state=generation))


_HEAD = select(func.coalesce(func.max(events.c.position), 0))
_IS_THROUGH = and_(
    replays.c.state == "running", ~exists().where(lanes.c.generation_id == replays.c.generation_id)
)
_FINISH = (
    update(replays)
    .where(_IS_THROUGH)
    .values(state="done", ended_at=bindparam("now", type_=replays.c.ended_at.type))
)
_CLOSE = (
    update(generations)
    .where(
        generations.c.state == "open",
        generations.c.id.in_(select(replays.c.generation_id).where(replays.c.state == "done")),
    )
    .values(state="closed")
)


_COUNTED = outcome_totals.c.outcomes


def _ended(column: Column[str], value: str) -> Any:
    return whole_sum(case((column == value, _COUNTED), else_=0)).label(value)


_REPORTS = (
    select(
        replays.c.id,
        replays.c.generation_id,
        replays.c.processor,
        replays.c.mode,
        replays.c.state,
        replays.c.plan_id,
        replays.c.reason,
        replays.c.who,
        replays.c.total,
        replays.c.first_position,
        replays.c.last_position,
        replays.c.requested_at,
        replays.c.ended_at,
        whole_sum(_COUNTED).label("done"),
        *(_ended(outcome_totals.c.verdict, verdict) for verdict in VERDICTS),
        _ended(outcome_totals.c.state, "superseded"),
    )
    .join(outcome_totals, outcome_totals.c.generation_id == replays.c.generation_id, isouter=True)
    .group_by(replays.c.id)
    .order_by(replays.c.requested_at, replays.c.id)
)
