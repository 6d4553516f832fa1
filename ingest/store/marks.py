"""How far things had come at a moment, so that what is looked for afterwards can be believed later.

What may go is looked for while nobody waits, which takes long where much is
due. Once others are kept out, only what is newer than the mark needs a look:
events that were appended since, and whether the past was made due since.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select

from ingest.store.dialect import enter_landing, enter_past
from ingest.store.engine import Tx
from ingest.store.schema import events, generations


class Mark(NamedTuple):
    """The last event of the log, and the last generation for which the past was made due."""

    position: int
    generation: int


def mark(tx: Tx) -> Mark:
    """How far things have come; nobody lands, or makes the past due, before `tx` has ended.

    Whatever lands later has a higher position. Of what is appended beside a
    landing not everything has, but a fact that a worker emits follows from an
    event that was waiting until then.
    """
    enter_landing(tx)
    enter_past(tx)
    return Mark(*tx.execute(_NOW).one())


def has_past_moved(tx: Tx, since: Mark) -> bool:
    """True where the past was made due since; it is not, nor lands anything, before `tx` has ended."""
    return mark(tx).generation != since.generation


_NOW = select(
    select(func.coalesce(func.max(events.c.position), 0)).scalar_subquery(),
    select(func.coalesce(func.max(generations.c.id), 0)).scalar_subquery(),  # no id is given twice
)
