"""What stands in the log, by the type of the events, and each of them as it was written."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import bindparam, func, literal_column, select

from ingest.store.engine import Store, Tx
from ingest.store.schema import events

WINDOW = 1000  # events read at once


def counted(tx: Tx) -> dict[str, int]:
    """How many events of each type stand in the log, but for retired ones; all of it is looked through."""
    found = tx.execute(
        select(events.c.type, func.count().label("events"))
        .where(events.c.type != literal_column("''"))
        .group_by(events.c.type)
        .order_by(events.c.type)
    )
    return {row.type: row.events for row in found}


def bodies(store: Store) -> Iterator[tuple[int, str]]:
    """Position and canonical JSON of every event, but for retired ones; nothing is held open in between."""
    after = 0
    while True:
        with store.read() as tx:
            found = list(tx.execute(_WINDOW, {"after": after}))
        yield from ((row.position, row.body) for row in found)
        if len(found) < WINDOW:
            return
        after = found[-1].position


_WINDOW = (
    select(events.c.position, events.c.body)
    .where(events.c.position > bindparam("after"), events.c.type != literal_column("''"))
    .order_by(events.c.position)
    .limit(WINDOW)
)
