"""Subscriptions: which processors stand, what each wants to hear of, and by which rules it is worked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from ingest.domain.nearest import suggestion
from ingest.errors import NotFound
from ingest.store.dialect import enter_past, enter_registration, freeze_log
from ingest.store.engine import Tx
from ingest.store.schema import (
    calling,
    dead,
    deliveries,
    events,
    generations,
    lanes,
    replays,
    subscriptions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the owner of a processor asks for."""

    processor: str
    version: str
    accepts: tuple[str, ...]  # event types
    origins: tuple[str, ...] = ()  # sources; empty: all
    is_ordered: bool = True
    on_dead: str = "park"
    start: str = "beginning"  # or "now"; counts at the first registration only
    settings: str = "{}"  # JSON object: budgets, timeout and the like


def register(tx: Tx, wanted: Registration, *, now: datetime) -> bool:
    """The processor is subscribed as wanted; True when it is new.

    A new one gets a live generation that is still to be filled with the past
    (`start="beginning"`), up to a bound that is stable because nobody can
    append meanwhile; later events reach it through their appenders. A known one takes
    the new settings for later events.
    """
    enter_registration(tx)
    values = _values(wanted)
    known = tx.execute(_OF, {"of_processor": wanted.processor}).mappings().first()
    if known is not None:
        if any(known[name] != value for name, value in values.items()):
            tx.execute(_CHANGE.values(**values, changed_at=now), {"of_processor": wanted.processor})
        return False
    enter_past(tx)
    freeze_log(tx)
    bound = tx.execute(select(func.coalesce(func.max(events.c.position), 0))).scalar_one()
    has_past = wanted.start == "beginning" and bound > 0
    generation_id = open_generation(
        tx,
        wanted.processor,
        kind="live",
        bound=bound,
        cursor=0 if has_past else bound,
        is_filled=not has_past,
    )
    tx.execute(
        insert(subscriptions),
        {
            "processor": wanted.processor,
            "state": "active",
            "start": wanted.start,
            "generation_id": generation_id,
            "added_at": now,
            "changed_at": now,
            **values,
        },
    )
    return True


def open_generation(tx: Tx, processor: str, *, kind: str, bound: int, cursor: int, is_filled: bool) -> int:
    """A new generation of `processor`; its lanes can be claimed once it is filled."""
    state = "open" if is_filled else "filling"
    row = {"processor": processor, "kind": kind, "state": state, "bound": bound, "cursor": cursor}
    return int(tx.execute(insert(generations).returning(generations.c.id), row).scalar_one())


def names(tx: Tx) -> list[str]:
    """The processors that are subscribed, by name."""
    return list(tx.execute(select(subscriptions.c.processor).order_by("processor")).scalars())


def find(tx: Tx, processor: str) -> Any:
    """The subscription's row; raises `NotFound` when the processor is not subscribed."""
    row = tx.execute(_OF, {"of_processor": processor}).first()
    if row is None:
        known = names(tx)
        listed = f"subscribed: {', '.join(known)}" if known else "none is: `ingest work` subscribes them"
        hint = suggestion(processor, known, otherwise=listed)
        raise NotFound(f"no processor {processor!r} is subscribed", hint=hint)
    return row


def set_state(tx: Tx, processor: str, state: str, *, now: datetime) -> None:
    """The processor is `active` or `paused`; a paused one keeps collecting what is due."""
    find(tx, processor)
    tx.execute(_CHANGE.values(state=state, changed_at=now), {"of_processor": processor})


def remove(tx: Tx, processor: str, *, now: datetime) -> None:
    """Nothing is due for the processor any more; its outcomes, effects, tables and rows stay its own."""
    find(tx, processor)
    mine = select(generations.c.id).where(generations.c.processor == processor)
    tx.execute(
        delete(deliveries).where(
            deliveries.c.lane_id.in_(select(lanes.c.id).where(lanes.c.generation_id.in_(mine)))
        )
    )
    for table in (lanes, dead, calling):
        tx.execute(delete(table).where(table.c.generation_id.in_(mine)))
    unfinished = replays.c.state.in_(("filling", "running", "paused"))
    cancelled = update(replays).where(replays.c.processor == processor, unfinished)
    tx.execute(cancelled.values(state="cancelled", ended_at=now))
    tx.execute(update(generations).where(generations.c.processor == processor).values(state="closed"))
    tx.execute(delete(subscriptions).where(subscriptions.c.processor == processor))


def _values(wanted: Registration) -> dict[str, Any]:
    return {
        "version": wanted.version,
        "accepts": json.dumps(wanted.accepts),
        "origins": json.dumps(wanted.origins),
        "settings": wanted.settings,
        "is_ordered": wanted.is_ordered,
        "on_dead": wanted.on_dead,
    }


_OF = select(subscriptions).where(subscriptions.c.processor == bindparam("of_processor"))
_CHANGE = update(subscriptions).where(subscriptions.c.processor == bindparam("of_processor"))
