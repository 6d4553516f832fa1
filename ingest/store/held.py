"""Started deliveries, with the events they deliver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from ingest.store.engine import Tx
from ingest.store.lanes import Lane
from ingest.store.schema import calling, deliveries, events
from ingest.store.schema import lanes as lane_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A started delivery and the event it delivers."""

    lane: Lane
    keyseq: int
    position: int
    attempts: int
    crashes: int
    event_id: str
    origin: str
    content: str | None  # SHA-256 of the file's bytes
    body: str
    is_calling: bool = False  # its rows and facts stand; only its calls are to be made

    @property
    def failures(self) -> int:
        """How often it was tried in vain so far."""
        return self.attempts + self.crashes


def fetch(tx: Tx, held: Sequence[Lane]) -> list[Held]:
    """The deliveries started by the claims `held`, lane by lane in `held`'s order, each by rising keyseq."""
    by_id = {lane.id: lane for lane in held}
    found: dict[int, list[Held]] = {lane.id: [] for lane in held}
    for row in tx.execute(_FETCH, {"ids": list(by_id)}):
        lane_id, *rest = row
        found[lane_id].append(Held(lane=by_id[lane_id], **dict(zip(_NAMES, rest, strict=True))))
    return [delivery for lane in held for delivery in found[lane.id]]


_NAMES = ("keyseq", "position", "attempts", "crashes", "event_id", "origin", "content", "body", "is_calling")
_FETCH = (
    select(
        deliveries.c.lane_id,
        deliveries.c.keyseq,
        deliveries.c.position,
        deliveries.c.attempts,
        deliveries.c.crashes,
        events.c.id,
        events.c.origin,
        events.c.content,
        events.c.body,
        calling.c.position.is_not(None),
    )
    .select_from(lane_table)
    .join(
        deliveries, (deliveries.c.lane_id == lane_table.c.id) & (deliveries.c.keyseq <= lane_table.c.held_to)
    )
    .join(events, events.c.position == deliveries.c.position)
    .join(
        calling,
        (calling.c.generation_id == lane_table.c.generation_id)
        & (calling.c.position == deliveries.c.position),
        isouter=True,
    )
    .where(lane_table.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(deliveries.c.lane_id, deliveries.c.keyseq)
)
