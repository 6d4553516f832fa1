"""How the delivery of one event to one processor stands."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, exists, literal_column, select

from ingest.store.engine import Tx
from ingest.store.schema import dead, events, generations, outcomes, replays, subscriptions

NOT_ENDED = "waiting"  # neither ended nor dead, or there is no such delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStanding:
    """Where live work stands with an event, and whether any run of it was ever applied."""

    state: str = NOT_ENDED  # done | dead | discarded | superseded | waiting
    was_done: bool = False
    position: int | None = None  # of the event; None where there is none


def standing(tx: Tx, event_id: str, processor: str) -> DeliveryStanding:
    """How the delivery of the event to the processor stands; as of nothing where there is no such event."""
    position = tx.execute(_POSITION, {"of_event": event_id}).scalar()
    if position is None:
        return DeliveryStanding()
    at = {"of_position": position, "of_processor": processor}
    is_dead = tx.execute(_DEAD, at).first() is not None
    ended = tx.execute(_ENDED, at).scalar()
    return DeliveryStanding(
        state="dead" if is_dead else ended or NOT_ENDED,
        was_done=was_done(tx, position, processor),
        position=position,
    )


def was_done(tx: Tx, position: int, processor: str) -> bool:
    """True when a run of the processor on the event was applied, in live work or in a replay."""
    found = tx.execute(_WAS_DONE, {"of_position": position, "of_processor": processor})
    return bool(found.scalar_one())


_POSITION = select(events.c.position).where(events.c.id == bindparam("of_event"))
_OF_LIVE = subscriptions.c.processor == bindparam("of_processor")
_DEAD = (
    select(dead.c.position)
    .join(subscriptions, subscriptions.c.generation_id == dead.c.generation_id)
    .where(_OF_LIVE, dead.c.position == bindparam("of_position"))
)
_ENDED = (
    select(outcomes.c.state)
    .join(subscriptions, subscriptions.c.generation_id == outcomes.c.generation_id)
    .where(_OF_LIVE, outcomes.c.position == bindparam("of_position"))
)
_WAS_DONE = select(
    exists().where(
        # Its generations are few, so that outcomes are looked up: joined, all of them would be searched.
        outcomes.c.generation_id.in_(
            select(generations.c.id).where(
                generations.c.processor == bindparam("of_processor"),
                # A shadow applied nothing.
                ~exists().where(replays.c.generation_id == generations.c.id, replays.c.mode == "shadow"),
            )
        ),
        outcomes.c.position == bindparam("of_position"),
        outcomes.c.state == literal_column("'done'"),
    )
)
