"""Who is subscribed: every processor with what it wants to hear of and the rules it is worked by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ingest.store import subscriptions
from ingest.store.engine import Tx
from ingest.store.schema import subscriptions as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """One processor as it is recorded."""

    name: str
    version: str
    state: str  # active | paused
    accepts: tuple[str, ...]  # event types
    sources: tuple[str, ...]  # empty: all
    ordered: bool
    on_dead: str
    start: str
    added_at: datetime
    changed_at: datetime


def everyone(tx: Tx) -> list[Subscribed]:
    """Every subscribed processor, by name."""
    return [_subscribed(row) for row in tx.execute(select(table).order_by(table.c.processor))]


def one(tx: Tx, processor: str) -> Subscribed:
    """The processor of this name; raises `NotFound`."""
    return _subscribed(subscriptions.find(tx, processor))


def _subscribed(row: Any) -> Subscribed:
    return Subscribed(
        name=row.processor,
        version=row.version,
        state=row.state,
        accepts=tuple(json.loads(row.accepts)),
        sources=tuple(json.loads(row.origins)),
        ordered=row.is_ordered,
        on_dead=row.on_dead,
        start=row.start,
        added_at=row.added_at,
        changed_at=row.changed_at,
    )
