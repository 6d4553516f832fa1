"""After the wall clock was set back: nothing waits for a moment that was never meant to be that far away."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, literal_column, or_, update

from ingest.store.engine import Tx
from ingest.store.schema import deliveries, lanes, workers


def catch_up(tx: Tx, *, longest: timedelta, lease: timedelta, now: datetime) -> int:
    """What never failed is due now, what waits longer than any retry may is too; how many lanes that were.

    `longest` is the longest wait between two tries. No lease runs longer than
    `lease` from now: a live worker beats, and a dead one is known in time.
    """
    tx.execute(_LEASES, {"now": now, "lease_until": now + lease})
    return tx.execute(_LANES, {"now": now, "latest": now + longest}).rowcount


_INSTANT = lanes.c.available_at.type
_HAS_FAILED = exists().where(
    deliveries.c.lane_id == lanes.c.id, deliveries.c.attempts + deliveries.c.crashes > 0
)
_LANES = (
    update(lanes)
    .where(
        lanes.c.state == literal_column("'ready'"),
        lanes.c.available_at > bindparam("now", type_=_INSTANT),
        or_(~_HAS_FAILED, lanes.c.available_at > bindparam("latest", type_=_INSTANT)),
    )
    .values(available_at=bindparam("now", type_=_INSTANT))
)
_LEASES = (
    update(workers)
    .where(
        workers.c.state.in_([literal_column("'active'"), literal_column("'stopping'")]),
        workers.c.beat_at > bindparam("now", type_=_INSTANT),
    )
    .values(beat_at=bindparam("now", type_=_INSTANT), lease_until=bindparam("lease_until", type_=_INSTANT))
)
