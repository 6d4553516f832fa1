"""Contents whose bytes may go: none that anything unfinished could still ask for.

Their digests, sizes and first landings stay, so that bytes that come again are
known. An inline content is gone with the commit that says so. One with an
object leaves in two steps, that it goes and that it has gone, so that a kill
between them leaves an object too much and never a content too little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    null,
    select,
    union_all,
    update,
)

from ingest.store import runs, sources
from ingest.store.dialect import enter_landing, enter_past, give_room, whole_sum
from ingest.store.engine import Store, Tx
from ingest.store.runs import Run
from ingest.store.schema import (
    calling,
    contents,
    dead,
    deliveries,
    departures,
    events,
    generations,
    landings,
)
from ingest.store.sources import Counts

WINDOW = 500  # contents that go in one transaction
AT_ONCE = 100  # objects removed in one, during which nobody lands: a store far away takes its time


@dataclass(frozen=True, slots=True, kw_only=True)
class MayGo:
    """How many contents may go, and their size."""

    contents: int
    bytes: int
    left_over: int  # objects that an interrupted run did not come to


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one step let go, and how far it came."""

    contents: int = 0
    bytes: int = 0
    after: int = 0  # id of the last content it took; 0: there was none


def foresee(tx: Tx, cutoff: Any) -> MayGo:
    """What may go of what landed last before `cutoff`."""
    give_room(tx)
    row = tx.execute(_COUNT, {"cutoff": cutoff}).one()
    return MayGo(contents=row.contents, bytes=row.bytes, left_over=tx.execute(_COUNT_LEAVING).scalar_one())


def retire(store: Store, run: Run, after: int) -> Taken:
    """The next contents above id `after` that may go are let go.

    Nobody lands and nobody makes the past due meanwhile: what they would need is seen, or what went is.
    """
    with store.write() as tx:
        enter_landing(tx)
        enter_past(tx)
        give_room(tx)
        found = tx.execute(_NEXT, {"cutoff": run.cutoff, "after": after}).all()
        if not found:
            return Taken()
        tx.execute(_RETIRE, {"ids": [row.id for row in found], "of_run": run.id})
        _uncount(tx, found)
        size = sum(row.size for row in found)
        runs.count(tx, run, contents=len(found), content_bytes=size)
    return Taken(contents=len(found), bytes=size, after=found[-1].id)


def leave(store: Store, remove: Callable[[Sequence[str]], None]) -> int:
    """The objects of some contents that were let go, by any run, are removed; how many, 0 when none is left.

    What has landed again meanwhile is not among them.
    """
    with store.write() as tx:
        enter_landing(tx)
        found = tx.execute(_LEAVING).scalars().all()
        if found:
            remove(found)
            tx.execute(_HAS_LEFT, {"digests": found})
    return len(found)


def _uncount(tx: Tx, gone: Sequence[Any]) -> None:
    """The totals of the archive are lower by what is gone."""
    of_source = defaultdict[str, list[int]](list)
    for row in gone:
        of_source[row.source].append(row.size)
    for name, sizes in sorted(of_source.items()):
        sources.count(tx, name, Counts(contents=-len(sizes), content_bytes=-sum(sizes)))


_CUTOFF: Any = bindparam("cutoff", type_=landings.c.landed_at.type)
_IS_AGAIN: ColumnElement[bool] = literal_column("NOT again.is_first")  # as in the index
_first = landings.alias("first")
_again = landings.alias("again")
IS_UNFILLED = exists().where(
    # Which of the past it will still take is not known here, so that nothing goes before it is filled.
    generations.c.state != literal_column("'closed'"),
    generations.c.cursor < generations.c.bound,
)
UNFINISHED = union_all(
    select(deliveries.c.position), select(dead.c.position), select(calling.c.position)
).subquery()
_NEEDED = union_all(
    select(events.c.content).where(
        events.c.position.in_(select(UNFINISHED.c.position)), events.c.content.is_not(None)
    ),
    select(departures.c.sha256).where(departures.c.ended_at.is_(None)),
)
MAY_GO: ColumnElement[bool] = and_(
    contents.c.state == literal_column("'kept'"),
    exists().where(
        _first.c.source == contents.c.source,
        _first.c.path == contents.c.path,
        _first.c.version == contents.c.version,
        _first.c.landed_at < _CUTOFF,
    ),
    ~exists().where(
        _again.c.sha256 == contents.c.sha256,
        _IS_AGAIN,
        _again.c.landed_at >= _CUTOFF,
    ),
    ~IS_UNFILLED,
    contents.c.sha256.not_in(_NEEDED),
)
_COUNT = select(func.count().label("contents"), whole_sum(contents.c.size).label("bytes")).where(MAY_GO)
_NEXT = (
    select(contents.c.id, contents.c.source, contents.c.size)
    .where(contents.c.id > bindparam("after"), MAY_GO)
    .order_by(contents.c.id)
    .limit(WINDOW)
)
_RETIRE = (
    update(contents)
    .where(contents.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        bytes=null(),
        run_id=bindparam("of_run"),
        state=case((contents.c.bytes.is_(None), "leaving"), else_="retired"),
    )
)
_IS_LEAVING = contents.c.state == literal_column("'leaving'")
_COUNT_LEAVING = select(func.count()).select_from(contents).where(_IS_LEAVING)
_LEAVING = select(contents.c.sha256).where(_IS_LEAVING).order_by(contents.c.sha256).limit(AT_ONCE)
_HAS_LEFT = (
    update(contents)
    .where(contents.c.sha256.in_(bindparam("digests", expanding=True)))
    .values(state=literal_column("'retired'"))
)
