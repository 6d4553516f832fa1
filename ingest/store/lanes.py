"""Lanes: what is claimed, leased and fenced, so that each key is worked in order by one worker at a time.

The proof of ownership is the row that `UPDATE … RETURNING` gives back. Every
claim and every reap bumps the fence, and a commit that carries an old one is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, false, func, literal_column, null, or_, select, true, update

from ingest.domain.instants import micros
from ingest.errors import ClaimLost
from ingest.store.dialect import Batch, lock_rows
from ingest.store.engine import Tx
from ingest.store.schema import deliveries, generations, lanes, replays, subscriptions


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane as its claimer holds it; the pair (id, fence) is the claim."""

    id: int
    generation_id: int
    key: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workable:
    """An open generation with a lane that may be claimed now."""

    generation_id: int
    processor: str
    kind: str  # live | replay
    mode: str = ""  # of a replay: rerun | shadow | force
    replay: str = ""  # its id

    @property
    def scope(self) -> str:
        """What tells the effects of this generation from those that stand: a forced replay's id."""
        return self.replay if self.mode == "force" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What waits: generations that can be worked now, and when the next retry is due."""

    now: tuple[Workable, ...]
    next_at: datetime | None


def due(tx: Tx, *, processors: Sequence[str] | None = None, now: datetime) -> Due:
    """What could be claimed at `now`, and the first moment after it at which more can."""
    found = [
        (
            Workable(
                generation_id=row.id,
                processor=row.processor,
                kind=row.kind,
                mode=row.mode or "",
                replay=row.replay or "",
            ),
            row.first,
        )
        for row in tx.execute(_FIRST_READY)
        if row.first is not None and (processors is None or row.processor in processors)
    ]
    later = [first for _, first in found if first > now]
    return Due(now=tuple(w for w, first in found if first <= now), next_at=min(later, default=None))


def claim(  # who claims what, how much of it and when
    tx: Tx, generation_id: int, *, worker: str, child: int, budget: int, now: datetime
) -> list[Lane]:
    """Up to `budget` ready lanes of an open generation, leased by this child of `worker` under a new fence.

    The deliveries in them are started: `budget` in all, shared out evenly. A
    lane whose head crashed before is claimed alone, one delivery of it, so that
    a poison delivery takes no other with it.
    """
    rows = tx.execute(_READY, {"generation_id": generation_id, "now": now, "limit": budget}).all()
    picked = [row.id for row in rows]
    for index, row in enumerate(rows):
        if row.is_single:
            picked = picked[: max(index, 1)]
            break
    if not picked:
        return []
    depth = 1 if rows[0].is_single else max(1, budget // len(picked))
    claimed = tx.execute(_LEASE, {"ids": picked, "worker": worker, "child": child, "depth": depth})
    return sorted((Lane(*row) for row in claimed), key=lambda lane: picked.index(lane.id))


def prove(tx: Tx, held: Sequence[Lane]) -> None:
    """Raise `ClaimLost` unless every lane is still leased under the fence it was claimed with.

    The first write of a completing transaction: on PostgreSQL it also locks the lanes.
    """
    if _PROVE.run(tx, [(lane.id, lane.fence) for lane in sorted(held, key=_in_order)]) != len(held):
        raise ClaimLost("a lane was claimed by another worker meanwhile; nothing was written")


def still_held(tx: Tx, held: Sequence[Lane]) -> list[Lane]:
    """Those of `held` whose claim stands."""
    found = {row.id: row.fence for row in tx.execute(_FENCES, {"ids": [lane.id for lane in held]})}
    return [lane for lane in held if found.get(lane.id) == lane.fence]


def leave(tx: Tx, held: Sequence[Lane], *, now: datetime) -> None:
    """The claims end: lanes with work left are ready again, behind those that wait; empty ones are gone.

    What was started in them has ended, so that none has to be run alone any more.
    """
    # Whoever appends to one of these lanes is awaited: looking at it after that sees what was appended.
    lock_rows(tx, _LOCK, [lane.id for lane in held])
    gone = _DELETE_EMPTY.run(tx, [(lane.id, lane.fence) for lane in held])
    if gone != len(held):
        _READY_AND_TRUSTED.run(tx, [(micros(now), lane.id, lane.fence) for lane in held])


def wait(tx: Tx, lane: Lane, *, until: datetime) -> None:
    """The claim ends; the lane's head is tried again at `until`, others queue behind it."""
    _READY_AGAIN.run(tx, [(micros(until), lane.id, lane.fence)])


def mark_single(tx: Tx, lane_id: int) -> None:
    """The lane's head crashed: from now on it is run alone."""
    tx.execute(_SINGLE, {"lane_id": lane_id})


def park(tx: Tx, lane_id: int) -> None:
    """Nothing in the lane is worked until a person or a superseding version unparks it."""
    tx.execute(_PARK, {"lane_id": lane_id})


def unpark(tx: Tx, keys: Sequence[tuple[int, str]], *, now: datetime) -> None:
    """The parked lanes of these (generation, key) are ready again; where nothing waits in one, it is gone."""
    _UNPARK.run(tx, [(micros(now), generation_id, key) for generation_id, key in keys])
    _DELETE_IDLE.run(tx, keys)


def release(tx: Tx, worker: str, child: int | None = None, *, now: datetime) -> int:
    """Every lane leased by `worker`, or by one child of it, is ready again under a new fence; how many.

    One conditional statement: whoever comes second finds nothing to release.
    """
    statement = _RELEASE if child is None else _RELEASE_CHILD
    return tx.execute(statement, {"of_worker": worker, "of_child": child, "now": now}).rowcount


def leased_elsewhere(tx: Tx, worker: str) -> int:
    """How many lanes other workers lease."""
    return tx.execute(_ELSEWHERE, {"of_worker": worker}).scalar_one()


def _in_order(lane: Lane) -> tuple[int, str]:
    """The order in which lanes are locked, wherever several are."""
    return lane.generation_id, lane.key


_READY_STATE = lanes.c.state == literal_column("'ready'")
_LEASED_STATE = lanes.c.state == literal_column("'leased'")
_HAS_WORK = exists().where(deliveries.c.lane_id == lanes.c.id)
_MINE = (lanes.c.id == bindparam("lane_id"), lanes.c.fence == bindparam("held_fence"), _LEASED_STATE)
_FREE = {"state": literal_column("'ready'"), "worker": null(), "child": null(), "held_to": null()}

_FIRST_READY = (
    select(
        generations.c.id,
        generations.c.processor,
        generations.c.kind,
        replays.c.mode,
        replays.c.id.label("replay"),
        select(func.min(lanes.c.available_at))
        .where(lanes.c.generation_id == generations.c.id, _READY_STATE)
        .scalar_subquery()
        .label("first"),
    )
    .join(subscriptions, subscriptions.c.processor == generations.c.processor)
    .join(replays, replays.c.generation_id == generations.c.id, isouter=True)
    .where(
        generations.c.state == literal_column("'open'"),
        or_(  # a replay has a pause of its own: it can be run while live work is held up
            subscriptions.c.state == literal_column("'active'"),
            generations.c.kind == literal_column("'replay'"),
        ),
    )
    .order_by(generations.c.id)
)
_READY = (
    select(lanes.c.id, lanes.c.is_single)
    .where(
        lanes.c.generation_id == bindparam("generation_id"),
        _READY_STATE,
        lanes.c.available_at <= bindparam("now", type_=lanes.c.available_at.type),
    )
    .order_by(lanes.c.available_at, lanes.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_LEASE = (
    update(lanes)
    .where(lanes.c.id.in_(bindparam("ids", expanding=True)), _READY_STATE)
    .values(
        state=literal_column("'leased'"),
        fence=lanes.c.fence + 1,
        worker=bindparam("worker"),
        child=bindparam("child"),
        held_to=select(func.min(deliveries.c.keyseq))
        .where(deliveries.c.lane_id == lanes.c.id)
        .scalar_subquery()
        + bindparam("depth")
        - 1,
    )
    .returning(lanes.c.id, lanes.c.generation_id, lanes.c.key, lanes.c.fence)
)
_PROVE = Batch(update(lanes).where(*_MINE).values(fence=lanes.c.fence), "lane_id held_fence")
_LOCK = (
    select(lanes.c.id)
    .where(lanes.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(lanes.c.generation_id, lanes.c.key)
    .with_for_update()
)
_FENCES = select(lanes.c.id, lanes.c.fence).where(
    lanes.c.id.in_(bindparam("ids", expanding=True)), _LEASED_STATE
)
_DELETE_EMPTY = Batch(delete(lanes).where(*_MINE, ~_HAS_WORK), "lane_id held_fence")
_FREED_UNTIL = (
    update(lanes).where(*_MINE).values(available_at=bindparam("until", type_=lanes.c.fence.type), **_FREE)
)
_READY_AGAIN = Batch(_FREED_UNTIL, "until lane_id held_fence")
_READY_AND_TRUSTED = Batch(_FREED_UNTIL.values(is_single=false()), "until lane_id held_fence")
_SINGLE = update(lanes).where(lanes.c.id == bindparam("lane_id")).values(is_single=true())
_PARK = (
    update(lanes)
    .where(lanes.c.id == bindparam("lane_id"))
    .values({**_FREE, "state": literal_column("'parked'")})
)
_UNPARK = Batch(
    update(lanes)
    .where(
        lanes.c.generation_id == bindparam("of_generation"),
        lanes.c.key == bindparam("lane_key"),
        lanes.c.state == literal_column("'parked'"),
    )
    .values(available_at=bindparam("now", type_=lanes.c.fence.type), is_single=false(), **_FREE),
    "now of_generation lane_key",
)
_DELETE_IDLE = Batch(
    delete(lanes).where(
        lanes.c.generation_id == bindparam("of_generation"),
        lanes.c.key == bindparam("lane_key"),
        _READY_STATE,
        ~_HAS_WORK,
    ),
    "of_generation lane_key",
)
_FREED = {
    **_FREE,
    "fence": lanes.c.fence + 1,
    "available_at": bindparam("now", type_=lanes.c.available_at.type),
}
_RELEASE = update(lanes).where(lanes.c.worker == bindparam("of_worker"), _LEASED_STATE).values(_FREED)
_RELEASE_CHILD = _RELEASE.where(lanes.c.child == bindparam("of_child"))
_ELSEWHERE = (
    select(func.count()).select_from(lanes).where(_LEASED_STATE, lanes.c.worker != bindparam("of_worker"))
)
