"""Settling runs: in one transaction their results stand and they are complete."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from ingest.errors import PermanentError
from ingest.store import applying, calls, dead, deliveries, lanes, outbox, pending_outcomes, shadows
from ingest.store.applying import Applied, Emissions
from ingest.store.deliveries import Failure, Outcome
from ingest.store.dialect import Savepoint
from ingest.store.engine import Tx
from ingest.store.handover import Rejects
from ingest.store.held import Held
from ingest.store.lanes import Lane, Workable
from ingest.store.subscriptions import find
from ingest.store.together import apply_together
from ingest.work import shadow
from ingest.work.perform import Performed
from ingest.work.trade import Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a batch of runs ended."""

    ended: Counter[str]  # done | retrying | dead | superseded, and crashed
    failed: frozenset[int]  # lanes whose claim has ended because a run failed
    calling: tuple[Held, ...] = ()  # still held: what was handed over stands, calls are to be made


def settle(  # noqa: PLR0913  # the runs, whose they are, and when
    tx: Tx,
    performed: Sequence[Performed],
    trade: Trade,
    generation: Workable,
    *,
    finished: Sequence[Lane],
    worker: str,
    now: datetime,
) -> Settled:
    """Every run has ended in the store; one that follows a failed one of its lane is left out.

    One that registered calls has not: its rows, facts and intents stand, and
    it ends once it comes here again with its calls made. `finished` are the
    lanes in which nothing started is left. Raises `ClaimLost`, before anything
    was written, when a lane was claimed by another worker meanwhile; the
    caller rolls back.
    """
    outbox.lock_keys(tx, _keys(performed))
    lanes.prove(tx, list({p.held.lane.id: p.held.lane for p in performed}.values()))
    emissions = Emissions(tx, now)
    outcomes: list[Outcome] = []
    failures: dict[int, Failure] = {}  # by lane
    unfinished: list[Held] = []
    for result in _results(tx, performed, trade, generation, emissions, now=now):
        match result:
            case Outcome():
                outcomes.append(result)
            case Failure():
                failures[result.held.lane.id] = result
            case Held():
                unfinished.append(result)
    emissions.flush()
    deliveries.complete(tx, outcomes, worker=worker, now=now)
    ended = Counter(done=len(outcomes))
    for failure in failures.values():
        ended.update(_ended(failure, _fail(tx, failure, trade, worker, now)))
    busy = {*failures, *(held.lane.id for held in unfinished)}
    lanes.leave(tx, [lane for lane in finished if lane.id not in busy], now=now)
    if generation.kind == "replay":
        _follow_up(tx, performed, outcomes, trade, generation, now=now)
    return Settled(ended=ended, failed=frozenset(failures), calling=tuple(unfinished))


def _results(  # the runs, whose they are, and where their facts go
    tx: Tx,
    performed: Sequence[Performed],
    trade: Trade,
    generation: Workable,
    emissions: Emissions,
    *,
    now: datetime,
) -> Iterator[Outcome | Failure | Held]:
    """How each run ends, in their order; what follows a failure in its lane is left for another time."""
    failed: set[int] = set()
    for are_plain, group in groupby(performed, lambda run: _is_plain(run, generation)):
        runs = [run for run in group if run.held.lane.id not in failed]
        if are_plain and _apply_together(tx, runs, trade, emissions, now=now):
            yield from [_as_handed_over(run, trade) for run in runs]
            continue
        for run in runs:
            if run.held.lane.id in failed:
                continue
            result = _end(tx, run, trade, generation, emissions, now=now)
            if isinstance(result, Failure):
                failed.add(run.held.lane.id)
            yield result


def _keys(performed: Sequence[Performed]) -> set[str]:
    """The partition keys of the facts that were handed over; those of large ones are not looked for."""
    handed = [run.spool for run in performed if run.spool.facts and applying.is_small(run.spool)]
    pieces = [piece for handover in handed for piece in handover.pieces() if not isinstance(piece, Rejects)]
    return {fact.key for piece in pieces for fact in piece.facts if fact is not None}


def _is_plain(run: Performed, generation: Workable) -> bool:
    """True of a first run that went well, is small and registered no calls."""
    is_first = generation.kind == "live" and not run.held.is_calling
    return is_first and run.failure is None and not run.spool.calls and applying.is_small(run.spool)


def _apply_together(
    tx: Tx, runs: Sequence[Performed], trade: Trade, emissions: Emissions, *, now: datetime
) -> bool:
    """All that these runs handed over stands; False, and none of it, where each has to be applied alone."""
    handed = [(run.held, run.spool) for run in runs]
    return apply_together(tx, handed, trade.rules, now=now, emissions=emissions)


def _end(
    tx: Tx, run: Performed, trade: Trade, generation: Workable, emissions: Emissions, *, now: datetime
) -> Outcome | Failure | Held:
    """How one run ends, or the delivery that has calls to make first."""
    if run.held.is_calling:
        return _end_calling(tx, run, trade, generation, now=now)
    if run.compared is not None and run.failure is None:
        return shadow.ending(run, run.compared, version=trade.processor.version)
    return _apply(tx, run, trade, generation, emissions, now=now)


def _follow_up(
    tx: Tx,
    performed: Sequence[Performed],
    outcomes: Sequence[Outcome],
    trade: Trade,
    generation: Workable,
    *,
    now: datetime,
) -> None:
    """What a replay comes to beside its outcomes."""
    if generation.mode == "shadow":
        shadows.record(tx, generation.generation_id, list(shadow.foreseen(performed, outcomes)))
    else:
        _close_dead(tx, outcomes, trade, now=now)


def _apply(
    tx: Tx, run: Performed, trade: Trade, generation: Workable, emissions: Emissions, *, now: datetime
) -> Outcome | Failure | Held:
    is_replay = generation.kind == "replay"
    rules = trade.rules
    if run.failure is not None:
        if run.failure.is_permanent and run.spool.rejected and not is_replay:
            applying.keep_rejects(tx, run.held, run.spool, rules.processor, ())
        return run.failure
    if not is_replay and not rules.tables and not run.spool.rows_in and not run.spool.facts:
        return _intend(tx, run, trade, generation, Applied(), now=now)
    emissions.make_way(run.spool)
    point = Savepoint(tx)
    try:
        applied = applying.apply(
            tx, run.held, run.spool, rules, is_replay=is_replay, now=now, emissions=emissions
        )
    except PermanentError as error:
        point.roll_back()
        if not is_replay:  # what a former run refused stands with the rows it booked
            applying.keep_rejects(tx, run.held, run.spool, rules.processor, getattr(error, "conflicts", ()))
        said = f"{error.message} ({error.hint})" if error.hint else error.message
        return Failure(held=run.held, started_at=run.started_at, error=said, is_permanent=True)
    point.release()
    return _intend(tx, run, trade, generation, applied, now=now)


def _intend(
    tx: Tx, run: Performed, trade: Trade, generation: Workable, applied: Applied, *, now: datetime
) -> Outcome | Held:
    """The calls of the run stand as intents; the outcome, or the delivery that has calls to make first."""
    is_replay = generation.kind == "replay"
    if not run.spool.calls and not is_replay:
        return _outcome(run, trade, applied, is_replay=False)
    name, scope = trade.spec.name, generation.scope
    registered = calls.register(tx, run.held, name, run.spool.calls, scope=scope, now=now)
    if not is_replay:
        calls.adopt(tx, run.held, name)
    applied.calls_new, applied.calls_changed = registered.new, registered.changed
    outcome = _outcome(run, trade, applied, is_replay=is_replay)
    if not calls.open_calls(tx, run.held, name, scope=scope):
        return outcome
    pending_outcomes.keep(tx, [outcome])
    return replace(run.held, is_calling=True)


def _end_calling(
    tx: Tx, run: Performed, trade: Trade, generation: Workable, *, now: datetime
) -> Outcome | Failure | Held:
    """What was called stands; the outcome where nothing is left to call."""
    name, scope = trade.spec.name, generation.scope
    calls.record(tx, run.held, name, run.made, scope=scope, now=now)
    if run.failure is not None:
        return run.failure
    if calls.open_calls(tx, run.held, name, scope=scope):
        return run.held
    return pending_outcomes.take(tx, run.held, started_at=run.started_at)


def _as_handed_over(run: Performed, trade: Trade) -> Outcome:
    applied = Applied(booked=run.spool.rows_in - run.spool.rejected)
    return _outcome(run, trade, applied, is_replay=False)


def _outcome(run: Performed, trade: Trade, applied: Applied, *, is_replay: bool) -> Outcome:
    return Outcome(
        held=run.held,
        started_at=run.started_at,
        version=trade.processor.version,
        rows_in=run.spool.rows_in,
        rows_booked=applied.booked,
        rows_duplicate=applied.duplicate,
        rows_rejected=run.spool.rejected + len(applied.conflicts),
        facts=run.spool.facts,
        digest=run.spool.digest,
        verdict=applied.verdict if is_replay else "",
        note=applied.note,
    )


def _ended(failure: Failure, as_: str) -> Counter[str]:
    """How one failed run counts; a crash counts as such, and as dead when it was the last."""
    if not failure.is_crash:
        return Counter((as_,))
    return Counter(("crashed",) if as_ == "retrying" else ("crashed", as_))


def _fail(tx: Tx, failure: Failure, trade: Trade, worker: str, now: datetime) -> str:
    return deliveries.fail(
        tx,
        failure,
        budget=trade.spec.budget,
        on_dead=trade.spec.on_dead,
        jitter=random.random(),  # noqa: S311  # spreads retries, hides nothing
        worker=worker,
        now=now,
    )


def _close_dead(tx: Tx, outcomes: Sequence[Outcome], trade: Trade, *, now: datetime) -> None:
    """What was dead and has now been rerun well is done, and its key goes on."""
    live = find(tx, trade.spec.name).generation_id
    for outcome in outcomes:
        key = live, outcome.held.position
        row = dead.outcome_row(
            key,
            state="done",
            version=outcome.version,
            counts=(
                outcome.rows_in,
                outcome.rows_booked,
                outcome.rows_duplicate,
                outcome.rows_rejected,
                outcome.facts,
            ),
            digest=outcome.digest,
            note="closed by a replay",
            ended_at=now,
        )
        dead.resolve(tx, trade.spec.name, key, row, now=now)
