"""Filling a generation from the log, in windows: for a new processor, and for a replay.

Each window is one short transaction that moves the generation's cursor, so
filling can be killed, resumed, or tried by two processes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from ingest.store.engine import Tx
from ingest.store.routing import Placed, Subscription, deliver, is_accepted, live_subscriptions
from ingest.store.schema import events, generations, replays
from ingest.store.selection import Fixed, Selection, narrowed

WINDOW = 1000  # deliveries made in one transaction
REACH = 20_000  # positions of the log that one transaction looks through, however few it finds


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A generation that is still being filled."""

    generation_id: int
    processor: str
    kind: str  # live | replay
    bound: int
    cursor: int


def unfilled(tx: Tx, processors: Sequence[str] | None = None) -> list[Fill]:
    """The generations still to be filled, oldest first."""
    found = [Fill(**row) for row in tx.execute(_UNFILLED).mappings()]
    return [fill for fill in found if processors is None or fill.processor in processors]


def fill_window(tx: Tx, fill: Fill, *, now: datetime) -> Fill | None:
    """One more window is due; what is left to fill, None when nothing is.

    Nothing happens where another process moved the cursor meanwhile: call
    again with what `unfilled` then says.
    """
    subscription = next((s for s in live_subscriptions(tx) if s.processor == fill.processor), None)
    if subscription is None:
        return None
    reach = min(fill.cursor + REACH, fill.bound)
    found = _window(tx, fill, subscription, reach)
    cursor = reach if len(found) < WINDOW else found[-1].position
    is_last = len(found) < WINDOW and reach == fill.bound
    moved = {"of_generation": fill.generation_id, "from_cursor": fill.cursor, "cursor": cursor}
    if not tx.execute(_MOVE, {**moved, "state": "open" if is_last else "filling"}).rowcount:
        return None
    deliver(tx, fill.generation_id, found, is_ordered=subscription.is_ordered, now=now)
    if fill.kind == "replay":
        _count(tx, fill, found, is_last=is_last)
    return None if is_last else replace(fill, cursor=cursor)


def _window(tx: Tx, fill: Fill, subscription: Subscription, reach: int) -> list[Placed]:
    selection = Fixed(plain=Selection(), spans=((1, fill.bound),))
    if fill.kind == "replay":
        wanted = select(replays.c.selector).where(replays.c.generation_id == fill.generation_id)
        selection = Fixed.from_json(tx.execute(wanted).scalar_one())
    if selection.accepts is not None and selection.origins is not None:  # what it takes now may be other
        subscription = replace(subscription, accepts=selection.accepts, origins=selection.origins)
    statement = narrowed(concerned(subscription), selection.plain).order_by(events.c.position)
    within = statement.where(events.c.position.between(bindparam("first"), bindparam("last")))
    found: list[Placed] = []
    for first, last in selection.spans:
        if first <= reach and last > fill.cursor:
            span = {"first": max(first, fill.cursor + 1), "last": min(last, reach)}
            rows = tx.execute(within.limit(WINDOW - len(found)), span)
            found += [Placed(**row) for row in rows.mappings()]
        if len(found) == WINDOW:
            break
    return found


def concerned(subscription: Subscription) -> Any:
    """The statement that selects, as `Placed`, every event the subscription concerns."""
    statement = select(
        events.c.id, events.c.type, events.c.origin, events.c.key, events.c.keyseq, events.c.position
    ).where(is_accepted(subscription.accepts))
    if subscription.origins:
        statement = statement.where(events.c.origin.in_(sorted(subscription.origins)))
    return statement


def _count(tx: Tx, fill: Fill, found: Sequence[Placed], *, is_last: bool) -> None:
    values: dict[str, Any] = {"total": replays.c.total + len(found)}
    if found:
        values["first_position"] = func.coalesce(replays.c.first_position, found[0].position)
        values["last_position"] = found[-1].position
    if is_last:
        values["state"] = "running"
    tx.execute(update(replays).where(replays.c.generation_id == fill.generation_id).values(**values))


_UNFILLED = (
    select(
        generations.c.id.label("generation_id"),
        generations.c.processor,
        generations.c.kind,
        generations.c.bound,
        generations.c.cursor,
    )
    .where(generations.c.state == "filling")
    .order_by(generations.c.id)
)
_MOVE = (
    update(generations)
    .where(
        generations.c.id == bindparam("of_generation"),
        generations.c.cursor == bindparam("from_cursor"),
        generations.c.state == "filling",
    )
    .values(cursor=bindparam("cursor"), state=bindparam("state"))
)
