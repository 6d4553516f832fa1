"""Events that are old and asked for by nothing give up what they say; that they were, and where, stays.

A retention run leaves a tombstone for each, and only then, in the same
transaction, does the database let the event's type and body go. Its position,
id, key, keyseq and hash stay in the log: the chain of its key goes on through
it, and the fact is known, should it be stated again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from ingest.store import marks, runs
from ingest.store.dialect import chunks, give_room
from ingest.store.engine import Store, Tx
from ingest.store.marks import Mark
from ingest.store.retiring import IS_UNFILLED, MAY_GO, UNFINISHED
from ingest.store.runs import Run
from ingest.store.schema import contents, events, retention_runs, tombstones
from ingest.store.selection import Selection, narrowed

LOOKED_AT = 5000  # events that are looked through at once
WINDOW = 100  # of those found that go in one transaction
COUNTED = 500  # events that a replay is told of


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What might go, by what was to be seen after a mark was set."""

    mark: Mark
    positions: Sequence[int]  # rising
    last: int  # position that was looked at; 0: there was none


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What is still told of an event that was retired."""

    type: str
    run: str
    retired_on: datetime

    @property
    def said(self) -> str:
        """Which run it was, and when."""
        return f"{self.run} on {self.retired_on:%Y-%m-%d}"


def foresee(tx: Tx, cutoff: datetime, *, with_contents: bool) -> int:
    """How many events may go, when the contents that may go have gone or as it is."""
    give_room(tx)
    return int(tx.execute(_COUNT_THEN if with_contents else _COUNT, {"cutoff": cutoff}).scalar_one())


def steps(store: Store, run: Run) -> Iterator[int]:
    """Those events are retired, a short transaction a step; how many with each."""
    after = 0
    while (found := look(store, run, after)).last:
        for positions in chunks(found.positions, WINDOW):
            gone = take(store, run, replace(found, positions=positions))
            if gone is None:
                break
            yield gone
        else:
            after = found.last
            yield 0


def look(store: Store, run: Run, after: int) -> Found:
    """What may go of the next events above position `after`; nobody is kept out meanwhile."""
    with store.write() as tx:
        mark = marks.mark(tx)
    with store.read() as tx:
        last = tx.execute(_REACH, {"after": after}).scalar_one()
        within = {"cutoff": run.cutoff, "after": after, "last": last}
        give_room(tx)
        return Found(mark=mark, positions=tx.execute(_NEXT, within).scalars().all(), last=last)


def take(store: Store, run: Run, found: Found) -> int | None:
    """Those of `found` that may go still are retired; None where that has to be looked for anew.

    No content comes back and nobody makes the past due meanwhile.
    """
    with store.write() as tx:
        if marks.has_past_moved(tx, found.mark):
            return None
        rows = tx.execute(_STILL, {"cutoff": run.cutoff, "positions": found.positions}).mappings().all()
        if rows:
            tx.execute(insert(tombstones), [{**row, "run_id": run.id} for row in rows])
            tx.execute(_EMPTY, {"positions": [row["position"] for row in rows]})
            runs.count(tx, run, events=len(rows))
    return len(rows)


def tombstones_of(tx: Tx, positions: Sequence[int]) -> dict[int, Tombstone]:
    """The tombstones of those of the events at `positions` that were retired."""
    rows = tx.execute(_STONES, {"positions": list(positions)}) if positions else ()
    return {row.position: Tombstone(type=row.type, run=row.run_id, retired_on=row.started_at) for row in rows}


def retired_among(tx: Tx, selection: Selection) -> list[int]:
    """The first positions, some of them, of events that would match but were retired."""
    statement = narrowed(select(events.c.position), replace(selection, types=(), status=None))
    found = statement.join(tombstones, tombstones.c.position == events.c.position).order_by(
        tombstones.c.position
    )
    return list(tx.execute(found.limit(COUNTED)).scalars())


def may_go(*, with_contents: bool) -> ColumnElement[bool]:
    """True of the events that may be retired."""
    is_unasked = events.c.position.not_in(select(UNFINISHED.c.position)) & ~IS_UNFILLED
    return _is_old(with_contents=with_contents) & is_unasked


def _is_old(*, with_contents: bool) -> ColumnElement[bool]:
    """True of an old event that says something and cannot be run again."""
    is_kept = contents.c.state == literal_column("'kept'")
    is_gone = or_(~is_kept, MAY_GO) if with_contents else ~is_kept
    has_gone = exists().where(contents.c.sha256 == events.c.content, is_gone)
    return (
        (events.c.time < bindparam("cutoff", type_=events.c.time.type))
        & (events.c.body != literal_column("''"))
        & or_(events.c.content.is_(None), has_gone)
    )


_COUNT = select(func.count()).select_from(events).where(may_go(with_contents=False))
_COUNT_THEN = select(func.count()).select_from(events).where(may_go(with_contents=True))
_REACH = select(
    func.coalesce(
        func.max(
            select(events.c.position)
            .where(events.c.position > bindparam("after"))
            .order_by(events.c.position)
            .limit(LOOKED_AT)
            .subquery()
            .c.position
        ),
        0,
    )
)
_NEXT = (
    select(events.c.position)
    .where(
        events.c.position > bindparam("after"),
        events.c.position <= bindparam("last"),
        may_go(with_contents=False),
    )
    .order_by(events.c.position)
)
_AMONG: Any = bindparam("positions", expanding=True)
_STILL = (
    select(events.c.position, events.c.id, events.c.type, events.c.hash)
    .where(events.c.position.in_(_AMONG), _is_old(with_contents=False))
    .order_by(events.c.position)
)
_EMPTY = update(events).where(events.c.position.in_(_AMONG)).values(type="", body="")
_STONES = (
    select(tombstones.c.position, tombstones.c.type, tombstones.c.run_id, retention_runs.c.started_at)
    .join(retention_runs, retention_runs.c.id == tombstones.c.run_id)
    .where(tombstones.c.position.in_(_AMONG))
)
