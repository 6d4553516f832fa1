"""From events to deliveries: which live generations an event concerns, and its place in their lanes."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, false, func, literal_column, or_, select

from ingest.domain import versions
from ingest.domain.instants import micros
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.schema import deliveries, events, generations, lanes, subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An event at its place in the log, as far as routing needs it."""

    id: str
    type: str
    origin: str
    key: str
    keyseq: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What one processor wants to hear of."""

    processor: str
    generation_id: int  # the live one
    accepts: frozenset[str]
    origins: frozenset[str]  # empty: all
    is_ordered: bool

    def concerns(self, event: Placed) -> bool:
        """True when the processor is to handle `event`."""
        is_accepted = versions.concerns(self.accepts, event.type)
        return is_accepted and (not self.origins or event.origin in self.origins)


def is_accepted(accepts: Collection[str]) -> ColumnElement[bool]:
    """True of the events whose type is one of `accepts`, or another version of one.

    Code of processors is not known here: whether a version can be read is found where it is.
    """
    names = sorted({found[0] for found in map(versions.major_of, accepts) if found is not None})
    of_name = [
        and_(
            func.substr(events.c.type, 1, len(name) + 2) == f"{name}.v",  # LIKE takes a for A on SQLite
            events.c.type.not_like(f"{_literally(name)}.v%.%", escape="/"),
        )
        for name in names
    ]
    return or_(events.c.type.in_(sorted(accepts)), *of_name)


def live_subscriptions(tx: Tx) -> list[Subscription]:
    """Every subscription as it stands in this transaction."""
    return [
        Subscription(
            processor=row.processor,
            generation_id=row.generation_id,
            accepts=frozenset(json.loads(row.accepts)),
            origins=frozenset(json.loads(row.origins)),
            is_ordered=row.is_ordered,
        )
        for row in tx.execute(_LIVE)
    ]


def route(tx: Tx, placed: Sequence[Placed], *, now: datetime) -> None:
    """Each event is due once in the live generation of every processor it concerns."""
    for subscription in live_subscriptions(tx):
        concerned = [event for event in placed if subscription.concerns(event)]
        deliver(tx, subscription.generation_id, concerned, is_ordered=subscription.is_ordered, now=now)


def deliver(tx: Tx, generation_id: int, placed: Sequence[Placed], *, is_ordered: bool, now: datetime) -> None:
    """Each event is due once in `generation_id`, in its key's lane, or its own where unordered."""
    if not placed:
        return
    at = micros(now)
    lane_keys = [event.key if is_ordered else event.id for event in placed]
    _LANE.run(tx, [(generation_id, key, at) for key in sorted(set(lane_keys))])
    _DELIVERY.run(
        tx,
        [
            (event.keyseq, event.position, generation_id, key)
            for event, key in zip(placed, lane_keys, strict=True)
        ],
    )


def _literally(name: str) -> str:
    """The name, with nothing in it that means more to LIKE."""
    return name.replace("/", "//").replace("%", "/%").replace("_", "/_")


_LIVE = (
    select(
        subscriptions.c.processor,
        subscriptions.c.generation_id,
        subscriptions.c.accepts,
        subscriptions.c.origins,
        subscriptions.c.is_ordered,
    )
    .join(generations, generations.c.id == subscriptions.c.generation_id)
    .order_by(subscriptions.c.generation_id)
)
_NEW_LANE = insert(lanes).values(
    generation_id=bindparam("generation_id"),
    key=bindparam("key"),
    state=literal_column("'ready'"),
    available_at=bindparam("available_at"),
    fence=literal_column("0"),
    is_single=false(),
)
# A lane that stands is touched, not skipped: the row lock keeps a worker from deleting it as empty meanwhile.
_LANE = Batch(
    _NEW_LANE.on_conflict_do_update(index_elements=["generation_id", "key"], set_={"fence": lanes.c.fence}),
    "generation_id key available_at",
)
_DELIVERY = Batch(
    insert(deliveries).from_select(
        ["lane_id", "keyseq", "position", "attempts", "crashes"],
        select(
            lanes.c.id,
            bindparam("keyseq", type_=deliveries.c.keyseq.type),
            bindparam("position", type_=deliveries.c.position.type),
            literal_column("0"),
            literal_column("0"),
        ).where(lanes.c.generation_id == bindparam("generation_id"), lanes.c.key == bindparam("lane_key")),
    ),
    "keyseq position generation_id lane_key",
)
