"""Dead deliveries with all that was tried, for machines and for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ingest.cli import output, shapes
from ingest.domain.showing import show
from ingest.store import browsing, history
from ingest.store.engine import Tx
from ingest.store.history import Handling, Life
from ingest.store.waiting import Waiting

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A dead delivery, the event, and how its processor handled it."""

    waiting: Waiting
    life: Life
    handling: Handling


def tell(tx: Tx, found: Sequence[Waiting], *, now: datetime) -> list[Told]:
    """Each of `found` with every try."""
    told = []
    for waiting in found:
        [life] = history.lives(tx, [browsing.event(tx, waiting.event_id, now=now)])
        handling = next(each for each in life.handlings if each.processor == waiting.processor)
        told.append(Told(waiting=waiting, life=life, handling=handling))
    return told


def as_json(told: Told) -> dict[str, Any]:
    """One line of `dead show --json`."""
    return {
        **shapes.dead(told.waiting),
        "event": shapes.cloud_event(told.life.event),
        "attempts_made": [shapes.attempt(attempt) for attempt in told.handling.attempts],
    }


def view(told: Sequence[Told]) -> Iterator[RenderableType]:
    """What is printed."""
    for each in told:
        waiting = each.waiting
        yield output.facts(
            [
                ("event", waiting.event_id),
                ("processor", waiting.processor),
                ("key", show(waiting.key)),
                ("error", waiting.error),
                ("since", shapes.time(waiting.since)),
                ("behind it", waiting.behind),
            ]
        )
        yield output.table(
            "",
            ("#try", "ended", "at", "error"),
            [(a.n, a.ended, shapes.time(a.ended_at), a.error) for a in each.handling.attempts],
        )
