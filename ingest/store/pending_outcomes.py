"""Deliveries whose result stands and whose calls are still to be made, with the outcome they will have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select

from ingest.store import calls
from ingest.store.deliveries import Outcome
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.held import Held
from ingest.store.schema import calling


def keep(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """These deliveries stay in their lanes until their calls are made, whatever becomes of their worker."""
    _KEEP.run(
        tx,
        [
            (
                o.held.lane.generation_id,
                o.held.position,
                o.version,
                *(o.rows_in, o.rows_booked, o.rows_duplicate, o.rows_rejected, o.facts),
                *(o.digest, o.verdict, o.note),
            )
            for o in outcomes
        ],
    )


def take(tx: Tx, held: Held, *, started_at: datetime) -> Outcome:
    """What the delivery, whose calls are all made, came to; it is not calling any more."""
    of = {"of_generation": held.lane.generation_id, "of_position": held.position}
    kept = tx.execute(_KEPT, of).mappings().one()
    calls.forget(tx, [(held.lane.generation_id, held.position)])
    return Outcome(held=held, started_at=started_at, **kept)


_COLUMNS = (
    "generation_id position version rows_in rows_booked rows_duplicate rows_rejected facts"
    " digest verdict note"
)
_KEEP = Batch(
    insert(calling).values({name: bindparam(name) for name in _COLUMNS.split()}).on_conflict_do_nothing(),
    _COLUMNS,
)
_KEPT = select(*(calling.c[name] for name in _COLUMNS.split()[2:])).where(
    calling.c.generation_id == bindparam("of_generation"), calling.c.position == bindparam("of_position")
)
