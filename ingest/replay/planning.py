"""Choosing past events for one processor or several, and making exactly that set due again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.errors import NotFound, PlanStale, UsageError
from ingest.store import burying, replays
from ingest.store.dialect import freeze_log
from ingest.store.engine import Store, Tx
from ingest.store.reading import roster
from ingest.store.replays import Plan
from ingest.store.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be replayed, and who wants it and why."""

    processors: Sequence[str]  # empty: every subscribed one
    selection: Selection
    mode: str = "rerun"
    reason: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The sets of one request, under one id."""

    id: str
    mode: str
    plans: tuple[Plan, ...]

    @property
    def events(self) -> int:
        """How many deliveries it makes due."""
        return sum(plan.events for plan in self.plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """One processor's share; `replay_id` is None where there was nothing to do."""

    plan: Plan
    replay_id: str | None


def check(request: Request) -> None:
    """Raise `UsageError` for a repetition of external effects that gives no reason."""
    if request.mode == "force" and not request.reason.strip():
        raise UsageError("a replay that repeats calls to the outside needs a reason", hint="give --reason")


def plan(tx: Tx, request: Request, *, bound: int | None = None) -> Planned:
    """The exact sets that `request` means now, up to the position `bound`, or to the head of the log.

    Raises `NotFound` for a processor that is not subscribed, and where an
    event was named that is not there.
    """
    names = _names(tx, request)
    if not names:
        raise NotFound(
            "no processor is subscribed", hint="start `ingest work` once, or `ingest processors add`"
        )
    plans = tuple(replays.plan(tx, name, request.selection, bound=bound) for name in names)
    if request.selection.ids and not any(each.events for each in plans):
        _refuse_retired(tx, request.selection)
        raise NotFound("no processor has such an event to handle", hint="see `ingest events list`")
    return Planned(id=replays.plan_id(list(plans), request.mode), mode=request.mode, plans=plans)


def start(
    store: Store, request: Request, *, as_planned: str | None = None, now: datetime
) -> tuple[Planned, list[Started]]:
    """The sets of `request` will be made due; workers fill and work them.

    The log is searched while others write; only that nothing has changed is
    asked under the write lock. With `as_planned`, exactly the set a dry run named by that id: raises
    `PlanStale` when it would be another one now. Raises `UsageError` for a
    repetition of effects that gives no reason.
    """
    check(request)
    planned = _plan_aside(store, request)
    with store.write() as tx:
        if not _still_holds(tx, planned, request):
            planned = plan(tx, request)
        if as_planned is not None and planned.id != as_planned:
            raise PlanStale(
                f"plan {as_planned} does not hold any more: the set is {planned.id} now",
                hint="make a new one with --dry-run, with the same selection",
            )
        started = [_start(tx, each, request, planned.id, now=now) for each in planned.plans]
    return planned, started


def _refuse_retired(tx: Tx, selection: Selection) -> None:
    gone = burying.retired_among(tx, selection)
    for position, stone in burying.tombstones_of(tx, gone[:1]).items():
        raise NotFound(
            f"the event at {position} was retired by run {stone.said}: it cannot be run again",
            hint="what it said is only in a backup from before",
        )


def _plan_aside(store: Store, request: Request) -> Planned:
    """The sets up to where the log ends now, searched for without keeping anybody from writing."""
    with store.write() as tx:
        freeze_log(tx)
        bound = replays.head(tx)
    with store.read() as tx:
        return plan(tx, request, bound=bound)


def _still_holds(tx: Tx, planned: Planned, request: Request) -> bool:
    """True when the same processors are meant, and for each of them the same set."""
    names = [each.processor for each in planned.plans]
    return names == _names(tx, request) and all(replays.still_holds(tx, each) for each in planned.plans)


def _names(tx: Tx, request: Request) -> list[str]:
    return list(request.processors) or [each.name for each in roster.everyone(tx)]


def _start(tx: Tx, each: Plan, request: Request, plan_id: str, *, now: datetime) -> Started:
    if not each.events:
        return Started(plan=each, replay_id=None)
    replay_id = f"r-{uuid.uuid4().hex[:12]}"
    replays.start(
        tx,
        each,
        replay_id=replay_id,
        plan_id=plan_id,
        mode=request.mode,
        reason=request.reason,
        who=request.who,
        now=now,
    )
    return Started(plan=each, replay_id=replay_id)
