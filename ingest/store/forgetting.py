"""Outcomes of live work that nothing will ask for again: those of events that cannot be run again.

While an event can be run again, whether it was handled decides what a run of
it is compared with, so its outcome stays, however old it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select

from ingest.store import runs
from ingest.store.burying import may_go
from ingest.store.dialect import enter_landing, give_room
from ingest.store.engine import Store, Tx
from ingest.store.pruning import can_not_run_again, drop_outcomes
from ingest.store.retiring import MAY_GO
from ingest.store.runs import Run
from ingest.store.schema import generations, outcomes

WINDOW = 250  # outcomes that one transaction looks at


def foresee(tx: Tx, cutoff: datetime, what: Collection[str]) -> int:
    """How many outcomes from before `cutoff` may go once those of `contents` and `events` in `what` have."""
    with_contents = "contents" in what
    can_not = can_not_run_again(
        outcomes.c.position,
        soon=MAY_GO if with_contents else None,
        events_soon=may_go(with_contents=with_contents) if "events" in what else None,
    )
    give_room(tx)
    return int(tx.execute(_OLD.where(can_not), {"cutoff": cutoff}).scalar_one())


def steps(store: Store, run: Run) -> Iterator[int]:
    """Those outcomes are gone, a short transaction a step; how many went with each."""
    with store.read() as tx:
        live = tx.execute(_LIVE).scalars().all()
    for generation_id in live:
        after = 0
        while True:
            gone, after = _window(store, run, generation_id, after)
            if not after:
                break
            yield gone


def _window(store: Store, run: Run, generation_id: int, after: int) -> tuple[int, int]:
    """How many went of the next outcomes above `after`, and the last position looked at (0: none is left)."""
    at = {"of_generation": generation_id, "after": after}
    with store.read() as tx:
        looked = tx.execute(_NEXT, at).scalars().all()
    if not looked:
        return 0, 0
    with store.write() as tx:
        enter_landing(tx)  # no content comes back meanwhile
        which = {"of_generation": generation_id, "positions": looked, "cutoff": run.cutoff}
        found = tx.execute(_MAY_GO_OF, which).scalars().all()
        if found:
            drop_outcomes(tx, generation_id, found)
            runs.count(tx, run, outcomes=len(found))
    return len(found), looked[-1]


_CUTOFF: Any = bindparam("cutoff", type_=outcomes.c.ended_at.type)
_MAY_GO = (outcomes.c.ended_at < _CUTOFF) & can_not_run_again(outcomes.c.position)
_LIVE = select(generations.c.id).where(generations.c.kind == literal_column("'live'"))
_OLD = select(func.count()).where(outcomes.c.generation_id.in_(_LIVE), outcomes.c.ended_at < _CUTOFF)
_OF_GENERATION = outcomes.c.generation_id == bindparam("of_generation")
_NEXT = (
    select(outcomes.c.position)
    .where(_OF_GENERATION, outcomes.c.position > bindparam("after"))
    .order_by(outcomes.c.position)
    .limit(WINDOW)
)
_MAY_GO_OF = select(outcomes.c.position).where(
    _OF_GENERATION, outcomes.c.position.in_(bindparam("positions", expanding=True)), _MAY_GO
)
