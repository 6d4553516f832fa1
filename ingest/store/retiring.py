"""Contents whose bytes may go: none that anything unfinished could still ask for.

Their digests, sizes and first landings stay, so that bytes that come again are
known. An inline content is gone with the commit that says so. One with an
object leaves in two steps, that it goes and that it has gone, so that a kill
between them leaves an object too much and never a content too little.

What may go is looked for while others land and work; who is kept out waits
only until some of it, looked at once more, has gone. Objects are removed while
nobody is kept out but who would land just such bytes again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
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

from ingest.store import marks, runs, sources
from ingest.store.dialect import chunks, give_room, whole_sum
from ingest.store.engine import Store, Tx
from ingest.store.marks import Mark
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

LOOKED_AT = 5000  # contents that are found with one look
WINDOW = 100  # of them that go in one transaction
AT_ONCE = 100  # objects removed with one request


@dataclass(frozen=True, slots=True, kw_only=True)
class MayGo:
    """How many contents may go, and their size."""

    contents: int
    bytes: int
    left_over: int  # objects that an interrupted run did not come to


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What might go, by what was to be seen after a mark was set."""

    mark: Mark
    ids: Sequence[int]  # of contents, rising


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one step let go."""

    contents: int = 0
    bytes: int = 0


def foresee(tx: Tx, cutoff: Any) -> MayGo:
    """What may go of what landed last before `cutoff`."""
    give_room(tx)
    row = tx.execute(_COUNT, {"cutoff": cutoff}).one()
    return MayGo(contents=row.contents, bytes=row.bytes, left_over=tx.execute(_COUNT_LEAVING).scalar_one())


def retire(store: Store, run: Run) -> Iterator[Taken]:
    """The contents that may go are let go, a short transaction a step; what went with each."""
    after = 0
    while (found := look(store, run, after)).ids:
        for ids in chunks(found.ids, WINDOW):
            taken = take(store, run, Found(mark=found.mark, ids=ids))
            if taken is None:
                break
            after = ids[-1]
            yield taken


def look(store: Store, run: Run, after: int) -> Found:
    """The next contents above id `after` that may go; nobody is kept out meanwhile."""
    with store.write() as tx:
        mark = marks.mark(tx)
    with store.read() as tx:
        give_room(tx)
        return Found(mark=mark, ids=tx.execute(_NEXT, {"cutoff": run.cutoff, "after": after}).scalars().all())


def take(store: Store, run: Run, found: Found) -> Taken | None:
    """Those of `found` that may go still are let go; None where that has to be looked for anew.

    Nobody lands and nobody makes the past due meanwhile: what they would need is seen, or what went is.
    """
    with store.write() as tx:
        if marks.has_past_moved(tx, found.mark):
            return None
        of_these = {"cutoff": run.cutoff, "ids": found.ids, "since": found.mark.position}
        gone = tx.execute(_STILL, of_these).all()
        if not gone:
            return Taken()
        tx.execute(_RETIRE, {"ids": [row.id for row in gone], "of_run": run.id})
        _uncount(tx, gone)
        size = sum(row.size for row in gone)
        runs.count(tx, run, contents=len(gone), content_bytes=size)
    return Taken(contents=len(gone), bytes=size)


def leave(store: Store, remove: Callable[[Sequence[str]], None]) -> int:
    """The objects of some contents that were let go, by any run, are removed; how many, 0 when none is left.

    What has landed again meanwhile is not among them, and what would land
    while they are removed, and count on its object, is put off.
    """
    with store.removing():
        with store.write() as tx:  # so that what is landing, and was not put off, has ended
            found = tx.execute(_LEAVING).scalars().all()
        if found:
            remove(found)
            with store.write() as tx:
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
_IS_OLD = and_(
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
)
MAY_GO: ColumnElement[bool] = and_(_IS_OLD, ~IS_UNFILLED, contents.c.sha256.not_in(_NEEDED))
_NEEDED_SINCE = union_all(
    select(events.c.content).where(events.c.position > bindparam("since"), events.c.content.is_not(None)),
    select(departures.c.sha256).where(departures.c.ended_at.is_(None)),
)
_COUNT = select(func.count().label("contents"), whole_sum(contents.c.size).label("bytes")).where(MAY_GO)
_NEXT = (
    select(contents.c.id)
    .where(contents.c.id > bindparam("after"), MAY_GO)
    .order_by(contents.c.id)
    .limit(LOOKED_AT)
)
_STILL = select(contents.c.id, contents.c.source, contents.c.size).where(
    contents.c.id.in_(bindparam("ids", expanding=True)), _IS_OLD, contents.c.sha256.not_in(_NEEDED_SINCE)
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
    # Not what landed again meanwhile, and is small enough by now to need no object.
    .where(contents.c.sha256.in_(bindparam("digests", expanding=True)), _IS_LEAVING)
    .values(state=literal_column("'retired'"))
)
