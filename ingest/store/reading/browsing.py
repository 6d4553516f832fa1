"""Reading the log a page at a time: events in position order, and what became of each delivery."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, exists, false, func, or_, select

from ingest.errors import NotFound, UsageError
from ingest.store import subscriptions
from ingest.store.dialect import freeze_log
from ingest.store.engine import Store, Tx
from ingest.store.landings import positions_of
from ingest.store.reading import remembering
from ingest.store.replays import head
from ingest.store.routing import is_accepted
from ingest.store.schema import dead, deliveries, events, lanes, outcomes
from ingest.store.schema import subscriptions as subscription_table
from ingest.store.selection import Selection, narrowed

PAGE = 200  # events read at once
SHORTEST = 6  # characters of an id that are enough, where only one begins with them
_SEVERAL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An event at its place in the log, with the state of its delivery to each processor."""

    position: int
    id: str
    type: str
    key: str
    keyseq: int
    origin: str  # source of the file at the root of the causes
    time: datetime
    cause: str | None
    producer: str  # empty for facts about files
    supersedes: str | None
    content: str | None
    body: str  # canonical JSON; of one that was retired what is left to say of it
    retired: str = ""  # by which run it was retired, and when; empty: it was not
    deliveries: dict[str, str] = field(default_factory=dict)  # by processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a listing: events above `after`, up to `upto` where that is given; at most `limit`."""

    after: int = 0
    limit: int = PAGE
    upto: int | None = None


def page(
    tx: Tx, selection: Selection, window: Window, *, processor: str | None = None, now: datetime
) -> list[Listed]:
    """The next events that match, by rising position.

    Where a `processor` is named, only what it is subscribed to. A `status` in
    the selection is that of its delivery, or of any processor's where none is named.
    """
    statement = _narrowed(tx, selection, processor).where(events.c.position > window.after)
    if window.upto is not None:
        statement = statement.where(events.c.position <= window.upto)
    return with_deliveries(tx, tx.execute(statement.order_by(events.c.position).limit(window.limit)), now=now)


def settled(store: Store) -> int | None:
    """The position at or below which no event will come to stand any more; None where none ever does.

    Whoever goes on from where he was, by position, goes no further. On a
    server positions are given out before they are committed.
    """
    if store.dialect == "sqlite":
        return None
    with store.write() as tx:
        freeze_log(tx)
        return head(tx)


def newest(tx: Tx, count: int) -> int:
    """The position above which the `count` newest events lie."""
    statement = select(events.c.position).order_by(events.c.position.desc()).offset(count).limit(1)
    return int(tx.execute(statement).scalar() or 0)


def event(tx: Tx, id_or_position: str, *, now: datetime) -> Listed:
    """The one event that is meant: by position, by id, or by what only its id begins with.

    Raises `NotFound` when there is none, `UsageError` when there are several, or for too little of an id.
    """
    if id_or_position.isascii() and id_or_position.isdigit() and len(id_or_position) < SHORTEST:
        found = _where(tx, events.c.position == int(id_or_position), now=now)
    else:
        refuse_short(id_or_position)
        ids = ids_like(tx, id_or_position)
        found = _where(tx, events.c.id.in_(ids), now=now)
    if not found:
        raise NotFound(f"there is no event {id_or_position!r}", hint="see `ingest events list`")
    if len(found) > 1:
        raise UsageError(f"several events begin with {id_or_position!r}", hint="write more of the id")
    return found[0]


def refuse_short(beginning: str) -> None:
    """Raise `UsageError` for so little of an id that it is looked for nowhere."""
    if len(beginning) < SHORTEST:
        raise UsageError(
            f"{beginning!r} is too short for an id", hint=f"write at least its first {SHORTEST} characters"
        )


def ids_like(tx: Tx, beginning: str) -> list[str]:
    """The ids that begin so, some of them where there are many."""
    if len(beginning) < SHORTEST or not beginning.isascii():
        return []
    bounds = (events.c.id >= beginning, events.c.id < beginning + "\x7f")
    return list(
        tx.execute(select(events.c.id).where(*bounds).order_by(events.c.id).limit(_SEVERAL)).scalars()
    )


def has_type(tx: Tx, type_: str) -> bool:
    """True when an event is of this type. The log is searched for the first one."""
    return tx.execute(_OF_TYPE, {"of_type": type_}).first() is not None


def of_content(tx: Tx, sha256: str, *, now: datetime) -> list[Listed]:
    """The landings of this content, by position."""
    return _where(tx, events.c.position.in_(positions_of(sha256)), now=now)


def of_key(tx: Tx, key: str, *, origin: str, now: datetime) -> list[Listed]:
    """The facts about files of source `origin` under this partition key, by position."""
    return _where(tx, and_(events.c.key == key, events.c.origin == origin, events.c.cause.is_(None)), now=now)


def path_of(event: Listed) -> bytes | None:
    """The exact path, relative to its source, of the file that the fact is about; None for other facts."""
    data = json.loads(event.body)["data"]
    if event.retired or event.cause is not None or not isinstance(data.get("path"), str):
        return None
    exact = data.get("path_b64")
    return base64.b64decode(exact) if exact else data["path"].encode()


def caused_by(tx: Tx, ids: Sequence[str], *, limit: int, now: datetime) -> list[Listed]:
    """The facts that the events `ids` brought about, by position."""
    statement = select(*_COLUMNS).where(events.c.cause.in_(ids)).order_by(events.c.position).limit(limit)
    return with_deliveries(tx, tx.execute(statement), now=now)


def with_ids(tx: Tx, ids: Sequence[str], *, now: datetime) -> list[Listed]:
    """Those of `ids` that stand, by position."""
    return _where(tx, events.c.id.in_(ids), now=now)


def superseder(tx: Tx, id_: str) -> str | None:
    """The id of the event that supersedes this one, if any does."""
    return tx.execute(select(events.c.id).where(events.c.supersedes == id_).limit(1)).scalar()


def with_deliveries(tx: Tx, rows: Iterable[Any], *, now: datetime) -> list[Listed]:
    """The events of `rows`, each with the state of its delivery to every processor that is subscribed."""
    found = [Listed(**row._mapping) for row in rows]  # noqa: SLF001  # SQLAlchemy's public name
    left = remembering.what_is_left(tx, [event for event in found if not event.body])
    found = [replace(event, **left.get(event.position, {})) for event in found]
    states = _states(tx, [event.position for event in found], now=now)
    return [
        replace(event, deliveries=dict(sorted(states.get(event.position, {}).items()))) for event in found
    ]


def _narrowed(tx: Tx, selection: Selection, processor: str | None) -> Select[Any]:
    statement = select(*_COLUMNS)
    if processor is not None:
        row = subscriptions.find(tx, processor)
        if selection.status is None:
            statement = statement.where(_concerns(row))
        return narrowed(statement, selection, generation_id=row.generation_id)
    if selection.status is None:
        return narrowed(statement, selection)
    live = tx.execute(select(subscription_table.c.generation_id)).scalars()
    has_it = [
        events.c.position.in_(
            narrowed(
                select(events.c.position), Selection(status=selection.status), generation_id=generation_id
            )
        )
        for generation_id in live
    ]
    return narrowed(statement, replace(selection, status=None)).where(or_(false(), *has_it))


def _concerns(subscription: Any) -> ColumnElement[bool]:
    """True of the events that the subscription asks for."""
    accepted = is_accepted(json.loads(subscription.accepts))
    origins = json.loads(subscription.origins)
    return and_(accepted, events.c.origin.in_(origins)) if origins else accepted


def _where(tx: Tx, condition: ColumnElement[bool], *, now: datetime) -> list[Listed]:
    return with_deliveries(
        tx, tx.execute(select(*_COLUMNS).where(condition).order_by(events.c.position)), now=now
    )


def _states(tx: Tx, positions: Sequence[int], *, now: datetime) -> dict[int, dict[str, str]]:
    states: dict[int, dict[str, str]] = {}
    if not positions:
        return states
    among = {"positions": list(positions)}
    for row in tx.execute(_WAITING, among):
        states.setdefault(row.position, {})[row.processor] = _state(row, now)
    for row in tx.execute(_DEAD, among):
        states.setdefault(row.position, {})[row.processor] = "dead"
    for row in tx.execute(_ENDED, among):
        states.setdefault(row.position, {})[row.processor] = row.state
    return states


def _state(row: Any, now: datetime) -> str:
    if row.lane_state == "leased" and row.keyseq <= row.held_to:
        return "running"
    is_awaiting = row.lane_state == "ready" and row.available_at > now and row.is_failed_head
    return "retrying" if is_awaiting else "waiting"


_COLUMNS = (
    events.c.position,
    events.c.id,
    events.c.type,
    events.c.key,
    events.c.keyseq,
    events.c.origin,
    events.c.time,
    events.c.cause,
    events.c.producer,
    events.c.supersedes,
    events.c.content,
    events.c.body,
)
_OF_TYPE = select(events.c.position).where(events.c.type == bindparam("of_type")).limit(1)
_AMONG: BindParameter[Any] = bindparam("positions", expanding=True)
_former = deliveries.alias()
_WAITING = (
    select(
        events.c.position,
        subscription_table.c.processor,
        lanes.c.state.label("lane_state"),
        lanes.c.available_at,
        func.coalesce(lanes.c.held_to, -1).label("held_to"),
        deliveries.c.keyseq,
        and_(
            deliveries.c.attempts + deliveries.c.crashes > 0,
            ~exists().where(
                _former.c.lane_id == deliveries.c.lane_id, _former.c.keyseq < deliveries.c.keyseq
            ),
        ).label("is_failed_head"),
    )
    .select_from(events)
    .join(subscription_table, events.c.position.in_(_AMONG))
    # The lane of an unordered processor is named after the event; that it is ordered may be new.
    .join(
        lanes,
        and_(
            lanes.c.generation_id == subscription_table.c.generation_id,
            lanes.c.key.in_([events.c.key, events.c.id]),
        ),
    )
    .join(deliveries, and_(deliveries.c.lane_id == lanes.c.id, deliveries.c.keyseq == events.c.keyseq))
    .where(deliveries.c.position == events.c.position)
)
_DEAD = (
    select(dead.c.position, subscription_table.c.processor)
    .join(subscription_table, subscription_table.c.generation_id == dead.c.generation_id)
    .where(dead.c.position.in_(_AMONG))
)
_ENDED = (
    select(outcomes.c.position, subscription_table.c.processor, outcomes.c.state)
    .join(subscription_table, subscription_table.c.generation_id == outcomes.c.generation_id)
    .where(outcomes.c.position.in_(_AMONG))
)
