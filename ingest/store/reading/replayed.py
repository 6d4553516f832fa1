"""What a replay came to, event by event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from ingest.store.engine import Tx
from ingest.store.schema import differences, events, outcomes

PAGE = 200  # events read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One event that a replay is through with."""

    position: int
    event_id: str
    key: str
    state: str  # done | dead | superseded; of a shadow replay: how its delivery would end
    verdict: str  # unchanged | repaired | changed | dead | unreplayable; empty where it was superseded
    note: str  # what a person should know: the error, or what is otherwise
    stood: str  # of a shadow replay: how its delivery stood
    found: dict[str, Any] | None  # of a shadow replay: what would change, where anything would


def replayed(tx: Tx, generation_id: int) -> Iterator[Replayed]:
    """Every event that the replay with this generation is through with, by position."""
    after = 0
    while True:
        page = tx.execute(_PAGE, {"of_generation": generation_id, "after": after}).all()
        for row in page:
            yield _replayed(row)
        if len(page) < PAGE:
            return
        after = page[-1].position


def _replayed(row: Any) -> Replayed:
    is_known = row.stood is not None
    return Replayed(
        position=row.position,
        event_id=row.id,
        key=row.key,
        state=row.state,
        verdict=row.verdict,
        note=row.note,
        stood=row.stood if is_known else row.state,  # nothing is kept where nothing would change
        found=json.loads(row.found) if is_known else None,
    )


_PAGE = (
    select(
        outcomes.c.position,
        events.c.id,
        events.c.key,
        outcomes.c.state,
        outcomes.c.verdict,
        outcomes.c.note,
        differences.c.stood,
        differences.c.found,
    )
    .join(events, events.c.position == outcomes.c.position)
    .join(
        differences,
        (differences.c.generation_id == outcomes.c.generation_id)
        & (differences.c.position == outcomes.c.position),
        isouter=True,
    )
    .where(outcomes.c.generation_id == bindparam("of_generation"), outcomes.c.position > bindparam("after"))
    .order_by(outcomes.c.position)
    .limit(PAGE)
)
