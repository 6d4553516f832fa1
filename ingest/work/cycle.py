"""A child's cycle: claim some deliveries, run them, settle them and claim the next ones in one commit.

Several short runs share a commit. A long or large one has its own, and so has
each after one of a shared commit could not be applied. A child that holds
work answers for nothing but its fence: whatever it did before it was fenced
out is rolled back. A run that registered calls stays held once its result
stands, is worked once more to make them, and only then ends.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ingest.errors import ClaimLost, IngestError, WorkerLost
from ingest.store import held as holding
from ingest.store import lanes, workers
from ingest.store.deliveries import Failure
from ingest.store.engine import Store, Tx, beside_others
from ingest.store.held import Held
from ingest.store.lanes import Lane, Workable
from ingest.work.calling import Caller
from ingest.work.context import Surroundings
from ingest.work.perform import Performed, describe, perform, perform_again
from ingest.work.settle import Settled, settle
from ingest.work.shadow import compared
from ingest.work.stage import Stage
from ingest.work.trade import Trade, Trades

_log = logging.getLogger(__name__)

COMMIT_EVERY = 0.04  # seconds of runs that share a commit
HOLD_FOR = 0.1  # seconds of work that one hold should be
MAX_HOLD = 512  # deliveries


@dataclass(slots=True)
class Hold:
    """The deliveries this child has started, of one generation."""

    generation: Workable
    waiting: list[Held]
    lanes: dict[int, Lane]


@dataclass(slots=True, kw_only=True)
class Cycle:
    """One child at work; `around` makes what a processor of that name may use."""

    store: Store
    trades: Trades
    around: Callable[[str, Callable[[], None]], Surroundings]
    expect: Callable[[Sequence[str]], None]  # told which contents a new hold is about
    stage: Stage
    worker: str
    child: int
    is_stopping: Callable[[], bool]
    limit: int | None = None
    ended: Counter[str] = field(default_factory=Counter)
    _taken: Counter[str] = field(default_factory=Counter)
    _hold: Hold | None = None
    _unsettled: list[Performed] = field(default_factory=list)
    _held_up: set[int] = field(default_factory=set)  # lanes with a run, not settled, that registered calls
    _budgets: dict[int, int] = field(default_factory=dict)  # by generation: deliveries in the next hold
    _last_generation: int = 0

    def turn(self) -> bool:
        """Work off one hold, or claim the first; False when there was nothing to do."""
        if self._hold is None:
            with self.store.write() as tx:
                claimed = self._claim(tx)
            self._hold = self._fetched(claimed)
        if self._hold is None:
            return False
        self._work_off(self._hold)
        return True

    def release(self) -> None:
        """What was run is settled, all that is still held is ready for others, at no charge."""
        self._settle(is_last=True)
        with self.store.write() as tx:
            lanes.release(tx, self.worker, self.child, now=self.store.now())
        self._hold = None

    def take_ended(self) -> Counter[str]:
        """How many deliveries ended in which way since the last call."""
        taken, self._taken = self.ended - self._taken, Counter(self.ended)
        return taken

    def abandon(self) -> None:
        """Nothing that was run since the last commit counts; what is held stays leased until `release`."""
        for run in self._unsettled:
            run.spool.close()
        self._unsettled, self._hold = [], None
        self._held_up.clear()

    def has_spent_limit(self) -> bool:
        """True when as many deliveries ended as this child was to end."""
        if self.limit is None:
            return False
        ending = len([run for run in self._unsettled if not run.spool.calls])
        return self._ended_in_all() + ending >= self.limit

    def _work_off(self, hold: Hold) -> None:
        around = self.around(hold.generation.processor, self._settle)
        self.expect([held.content for held in hold.waiting if held.content is not None])
        begun = committed = time.monotonic()
        count = len(hold.waiting)
        while (held := self._next(hold)) is not None:
            run = self._run(hold, held, around)
            if run is None:
                continue
            self._unsettled.append(run)
            if run.spool.calls:
                self._held_up.add(run.held.lane.id)
            if run.failure is not None:
                hold.waiting = [held for held in hold.waiting if held.lane.id != run.held.lane.id]
            elapsed = time.monotonic() - committed
            if hold.waiting and (elapsed > COMMIT_EVERY or run.spool.is_large):
                self._settle()
                committed = time.monotonic()
        self._adapt(hold, count, time.monotonic() - begun)
        self._settle(is_last=True)

    def _next(self, hold: Hold) -> Held | None:
        """What is run or called next; in a lane with a run that registered calls, these come first."""
        while not self.is_stopping() and not self.has_spent_limit():
            for index, held in enumerate(hold.waiting):
                if held.lane.id not in self._held_up:
                    return hold.waiting.pop(index)
            if not self._held_up:
                return None
            self._settle()
        return None

    def _run(self, hold: Hold, held: Held, around: Surroundings) -> Performed | None:
        """The processor has run, or its calls were made; None when the delivery is not ours any more."""
        trade = self.trades[hold.generation.processor]
        try:
            with self.stage.runs(held, trade):
                run = self._perform(hold, held, trade, around)
        except ClaimLost:
            self._drop_lost(hold)
            return None
        if run.failure is not None and run.failure.is_crash:
            self.stage.keeper.distrust()  # out of memory: anything may have been left half done
        return compared(self.store, run, trade.rules) if hold.generation.mode == "shadow" else run

    def _perform(self, hold: Hold, held: Held, trade: Trade, around: Surroundings) -> Performed:
        if not held.is_calling:
            run_it = perform if hold.generation.kind == "live" else perform_again
            return run_it(held, trade.processor, around, self.store.now)
        caller = Caller(store=self.store, clock=self.store.now, is_stopping=self.is_stopping)
        return caller.call(held, trade, scope=hold.generation.scope)

    def _adapt(self, hold: Hold, count: int, elapsed: float) -> None:
        """The next hold of this generation is about `HOLD_FOR` of work, and at most twice this one."""
        each = max(elapsed / max(count, 1), 1e-6)
        fits = int(HOLD_FOR / each)
        self._budgets[hold.generation.generation_id] = max(1, min(fits, count * 2, MAX_HOLD))

    def _settle(self, *, is_last: bool = False) -> None:
        """Commit what was run; at the end of a hold, start the next one in the same commit."""
        hold = self._hold
        if hold is None or not (self._unsettled or is_last):
            return
        try:
            beside_others(partial(self._commit, hold, self._unsettled, is_last=is_last))
        except ClaimLost:
            self._drop_lost(hold)
            self._settle(is_last=is_last)
        except IngestError:
            raise
        except Exception:  # noqa: BLE001  # one of several results cannot be applied: find out which
            self._settle_apart(hold, is_last=is_last)

    def _commit(self, hold: Hold, runs: list[Performed], *, is_last: bool) -> None:
        trade = self.trades[hold.generation.processor]
        left = {held.lane.id for held in hold.waiting}
        finished = [lane for lane in hold.lanes.values() if lane.id not in left] if is_last else []
        claimed, now = None, self.store.now()
        with self.stage.settles(runs), self.store.write() as tx:
            settled = settle(tx, runs, trade, hold.generation, finished=finished, worker=self.worker, now=now)
            is_over = is_last and not (hold.waiting or settled.calling)
            if is_over and self.limit is None and not self.is_stopping():
                claimed = self._claim(tx)
        self._count(hold, runs, settled)
        if is_over:
            self._hold = self._fetched(claimed)

    def _count(self, hold: Hold, runs: list[Performed], settled: Settled) -> None:
        self.ended.update(settled.ended)
        for run in runs:
            run.spool.close()
        self._unsettled = []
        self._held_up.clear()
        waiting = [held for held in hold.waiting if held.lane.id not in settled.failed]
        hold.waiting = [*settled.calling, *waiting]
        for lane_id in settled.failed:
            hold.lanes.pop(lane_id, None)

    def _drop_lost(self, hold: Hold) -> None:
        with self.store.read() as tx:
            mine = {lane.id for lane in lanes.still_held(tx, list(hold.lanes.values()))}
        lost = sorted(set(hold.lanes) - mine)
        _log.warning(
            "fenced: %d lanes were claimed by another worker meanwhile; nothing was written", len(lost)
        )
        for lane_id in lost:
            del hold.lanes[lane_id]
        self._unsettled = [run for run in self._unsettled if run.held.lane.id in mine]
        self._held_up &= mine
        hold.waiting = [held for held in hold.waiting if held.lane.id in mine]

    def _settle_apart(self, hold: Hold, *, is_last: bool) -> None:
        """Each run in a commit of its own; one that cannot be applied has failed."""
        runs, self._unsettled = self._unsettled, []
        self._held_up.clear()
        for run in runs:
            if run.held.lane.id not in hold.lanes:
                continue
            try:
                beside_others(partial(self._settle_one, hold, run))
            except IngestError:
                raise
            except Exception as error:  # noqa: BLE001  # recorded as this delivery's failure
                self.stage.keeper.distrust()
                failure = Failure(held=run.held, started_at=run.started_at, error=describe(error))
                self._settle_one(hold, replace(run, failure=failure))
        if is_last:
            self._commit(hold, [], is_last=True)

    def _settle_one(self, hold: Hold, run: Performed) -> None:
        trade, now = self.trades[hold.generation.processor], self.store.now()
        with self.stage.settles([run]), self.store.write() as tx:
            settled = settle(tx, [run], trade, hold.generation, finished=[], worker=self.worker, now=now)
        self._count(hold, [run], settled)

    def _claim(self, tx: Tx) -> tuple[Workable, list[Lane]] | None:
        """Lanes of the next generation in turn that has something due, now leased by this child."""
        now = self.store.now()
        if not workers.is_live(tx, self.worker):
            raise WorkerLost("this child's worker was taken for dead; it claims nothing more")
        found = lanes.due(tx, processors=list(self.trades), now=now).now
        later = [w for w in found if w.generation_id > self._last_generation]
        for generation in [*later, *(w for w in found if w not in later)]:
            budget = min(self._budgets.get(generation.generation_id, 4), self._allowance())
            claimed = lanes.claim(
                tx, generation.generation_id, worker=self.worker, child=self.child, budget=budget, now=now
            )
            if claimed:
                self._last_generation = generation.generation_id
                return generation, claimed
        return None

    def _fetched(self, claimed: tuple[Workable, list[Lane]] | None) -> Hold | None:
        """What was claimed, read once the write lock is given back: the lease keeps others away from it."""
        if claimed is None:
            return None
        generation, leased = claimed
        with self.store.read() as tx:
            return Hold(generation, holding.fetch(tx, leased), {lane.id: lane for lane in leased})

    def _allowance(self) -> int:
        return MAX_HOLD if self.limit is None else max(1, self.limit - self._ended_in_all())

    def _ended_in_all(self) -> int:
        return sum(self.ended.values()) - self.ended["crashed"]
