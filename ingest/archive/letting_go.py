"""What is old enough and asked for by nothing is let go: records, contents with their objects, outcomes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ingest.archive.archive import Archive
from ingest.store import burying, forgetting, pruning, retiring, runs
from ingest.store.engine import Tx
from ingest.store.pruning import Pruned
from ingest.store.runs import Run

KINDS = ("attempts", "outcomes", "contents", "events")
RECORDED = frozenset(KINDS) - {"attempts"}  # of these a run is kept


@dataclass(slots=True, kw_only=True)
class LetGo:
    """How much may go, or has gone."""

    records: Pruned = field(default_factory=Pruned)
    outcomes: int = 0  # of live work
    contents: int = 0
    content_bytes: int = 0
    events: int = 0
    left_over: int = 0  # objects of contents that an interrupted run let go
    run: str = ""  # id of the run that took them

    @property
    def rows(self) -> int:
        """How much there is in all, as `steps` counts it."""
        return self.records.rows + self.outcomes + self.contents + self.events + self.left_over


def foresee(tx: Tx, what: Collection[str], cutoff: datetime) -> LetGo:
    """What of the time before `cutoff` may go."""
    found = LetGo()
    if "attempts" in what:
        found.records = pruning.foresee(tx, cutoff)
    if "contents" in what:
        may_go = retiring.foresee(tx, cutoff)
        found.contents, found.content_bytes = may_go.contents, may_go.bytes
        found.left_over = may_go.left_over
    if "events" in what:
        found.events = burying.foresee(tx, cutoff, with_contents="contents" in what)
    if "outcomes" in what:
        found.outcomes = forgetting.foresee(tx, cutoff, what)
    return found


def begin(  # who lets go of what, why and when
    tx: Tx, what: Collection[str], cutoff: datetime, *, who: str, reason: str, now: datetime
) -> Run | None:
    """The run is recorded, where anything of it is."""
    if RECORDED.isdisjoint(what):
        return None
    return runs.begin(tx, who=who, reason=reason, cutoff=cutoff, now=now)


def steps(
    archive: Archive, what: Collection[str], cutoff: datetime, run: Run | None, gone: LetGo
) -> Iterator[int]:
    """What may go has gone, a short transaction a step; how much of what `gone` counts it took.

    It can be given up, or killed, between any two steps, and begun again.
    """
    if "attempts" in what:
        yield from pruning.steps(archive.store, cutoff, gone.records)
    if run is None:
        return
    gone.run = run.id
    if "contents" in what:
        yield from _contents(archive, run, gone)
    if "events" in what:
        for count in burying.steps(archive.store, run):
            gone.events += count
            yield count
    if "outcomes" in what:
        for count in forgetting.steps(archive.store, run):
            gone.outcomes += count
            yield count


def _contents(archive: Archive, run: Run, gone: LetGo) -> Iterator[int]:
    while count := retiring.leave(archive.store, archive.objects.remove):
        gone.left_over += count
        yield count
    for taken in retiring.retire(archive.store, run):
        gone.contents += taken.contents
        gone.content_bytes += taken.bytes
        yield taken.contents
        while retiring.leave(archive.store, archive.objects.remove):
            yield 0
