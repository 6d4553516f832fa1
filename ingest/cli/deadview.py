"""Dead deliveries with all that was tried, for machines and for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ingest.cli import output, shapes
from ingest.domain.showing import show
from ingest.store.decisions import DeadDelivery
from ingest.store.engine import Tx
from ingest.store.reading import browsing, history
from ingest.store.reading.history import Handling, Life

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A dead delivery, the event, and how its processor handled it."""

    delivery: DeadDelivery
    life: Life
    handling: Handling


def tell(tx: Tx, found: Sequence[DeadDelivery], *, now: datetime) -> list[Told]:
    """Each of `found` with every try."""
    told = []
    for delivery in found:
        [life] = history.lives(tx, [browsing.event(tx, delivery.event_id, now=now)])
        handling = next(each for each in life.handlings if each.processor == delivery.processor)
        told.append(Told(delivery=delivery, life=life, handling=handling))
    return told


def as_json(told: Told) -> dict[str, Any]:
    """One line of `dead show --json`."""
    return {
        **shapes.dead(told.delivery),
        "event": shapes.cloud_event(told.life.event),
        "attempts_made": [shapes.attempt(attempt) for attempt in told.handling.attempts],
    }


def view(told: Sequence[Told]) -> Iterator[RenderableType]:
    """What is printed."""
    for each in told:
        delivery = each.delivery
        yield output.facts(
            [
                ("event", delivery.event_id),
                ("processor", delivery.processor),
                ("key", show(delivery.key)),
                ("error", delivery.error),
                ("since", shapes.time(delivery.since)),
                ("behind it", delivery.behind),
            ]
        )
        yield output.table(
            "",
            ("#try", "ended", "at", "error"),
            [(a.n, a.ended, shapes.time(a.ended_at), a.error) for a in each.handling.attempts],
        )
