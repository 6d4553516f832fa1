"""The event that brought another about, as it stands in the log."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from ingest.domain.codec import decode
from ingest.domain.events import Event
from ingest.errors import NotFound
from ingest.store.engine import Tx
from ingest.store.schema import events


def cause_of(tx: Tx, event: Event) -> Event | None:
    """The direct cause of `event`, None at a root; raises `NotFound` for one that says nothing any more."""
    if event.causationid is None:
        return None
    row = tx.execute(_EVENT, {"of_event": event.causationid}).one_or_none()
    if row is None or not row.body:
        raise NotFound(
            f"the event {event.causationid}, which says where its bytes are, was retired",
            hint="land the file again; what was let go by retention is in a backup",
        )
    return decode(row.body, row.keyseq)


_EVENT = select(events.c.body, events.c.keyseq).where(events.c.id == bindparam("of_event"))
