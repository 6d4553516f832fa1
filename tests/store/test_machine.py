"""Whatever workers do and suffer, in whatever order: nothing is lost, doubled or taken out of turn."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select

from ingest.errors import ClaimLost
from ingest.store import crashes, decisions, filling, lanes, replays
from ingest.store.held import Held
from ingest.store.presence import Running
from ingest.store.reading import verifying
from ingest.store.schema import dead, deliveries, events, outcome_totals, outcomes
from ingest.store.schema import lanes as lane_table
from ingest.store.selection import Selection
from tests.store.backends import BACKENDS, fresh, tries
from tests.store.stage import NOON, a_draft, append, claim, complete, fail, states, subscribe, wanted

KEYS = st.sampled_from("abc")
WORKERS = st.sampled_from(["w1", "w2", "w3"])
HOUR = timedelta(hours=1)


class Machine(RuleBasedStateMachine):
    """Two processors, one that parks and one that skips, three workers, and a clock."""

    backend = ""

    def __init__(self) -> None:
        super().__init__()
        self._exit = ExitStack()
        self.now = NOON
        self.landed: list[tuple[str, str]] = []  # (id, key), in order
        self.superseded: set[str] = set()
        self.replays: dict[int, set[str]] = {}  # by generation: what it was asked to replay
        self.held: dict[str, list[list[Held]]] = {"w1": [], "w2": [], "w3": []}
        self.ended: dict[int, list[str]] = {}  # by generation: ids in the order of their outcomes

    @initialize()
    def open(self) -> None:
        self.store = self._exit.enter_context(fresh(self.backend))
        self.books = subscribe(self.store, wanted("books"))
        self.mail = subscribe(self.store, wanted("mail", on_dead="skip"))

    def teardown(self) -> None:
        try:
            if hasattr(self, "store"):
                self.drain()
        finally:
            self._exit.close()

    # -------------------------------------------------------- what happens

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4))
    def land(self, keys: list[str]) -> None:
        new = [(f"{len(self.landed) + n}", key) for n, key in enumerate(keys)]
        append(self.store, *(a_draft(id_, key=key) for id_, key in new), now=self.now)
        self.landed += new

    @precondition(lambda self: self.landed)
    @rule(data=st.data())
    def land_again(self, data: st.DataObject) -> None:
        id_, key = data.draw(st.sampled_from(self.landed))
        assert append(self.store, a_draft(id_, key=key), now=self.now) == [None]

    @precondition(lambda self: len(self.superseded) < len(self.landed))
    @rule(data=st.data())
    def land_a_later_version(self, data: st.DataObject) -> None:
        former, key = data.draw(
            st.sampled_from([one for one in self.landed if one[0] not in self.superseded])
        )
        new = f"{len(self.landed)}"
        append(self.store, a_draft(new, key=key, supersedes=former), now=self.now)
        self.landed.append((new, key))
        self.superseded.add(former)

    @rule(worker=WORKERS, child=st.integers(1, 2), budget=st.integers(1, 6))
    def claim(self, worker: str, child: int, budget: int) -> None:
        with self.store.read() as tx:
            due = lanes.due(tx, now=self.now).now
            parked = {one.lane_key for one in decisions.undecided(tx, Selection(), processor="books")}
        for one in due:
            started = claim(
                self.store, one.generation_id, worker=worker, child=child, budget=budget, now=self.now
            )
            assert len(started) <= budget
            self.check_order(started)
            if one.generation_id == self.books:
                assert parked.isdisjoint(held.lane.key for held in started)
            if started:
                self.held[worker].append(started)
                return

    @precondition(lambda self: any(self.held.values()))
    @rule(data=st.data())
    def complete_a_hold(self, data: st.DataObject) -> None:
        """A worker settles what it started; if it was fenced out meanwhile nothing of it counts."""
        hold = self.take(data)
        try:
            complete(self.store, hold, now=self.now)
        except ClaimLost:
            return
        for one in hold:
            self.ended.setdefault(one.lane.generation_id, []).append(one.event_id)

    @precondition(lambda self: any(self.held.values()))
    @rule(data=st.data(), is_permanent=st.booleans())
    def fail_one(self, data: st.DataObject, is_permanent: bool) -> None:
        """The first delivery of a hold fails and the rest of its worker's hold is given back."""
        hold = self.take(data)
        on_dead = "park" if hold[0].lane.generation_id == self.books else "skip"
        try:
            fail(self.store, hold[0], is_permanent=is_permanent, on_dead=on_dead, jitter=0.5, now=self.now)
        except ClaimLost:
            return
        with self.store.write() as tx:
            lanes.leave(tx, [one.lane for one in hold], now=self.now)

    @rule(worker=WORKERS, child=st.none() | st.integers(1, 2), ran=st.booleans())
    def die(self, worker: str, child: int | None, ran: bool) -> None:
        """A worker, or a child of it, is dead; its holds stay in its hands: it may wake up as a zombie."""
        holds = self.held[worker]
        on_board = [holds[-1][0]] if holds and ran else []
        running = [Running(one.lane.id, one.keyseq, one.lane.fence, 0) for one in on_board]
        with self.store.write() as tx:
            crashes.release(tx, worker, child, running, error="killed", jitter=0.5, now=self.now)

    @rule(worker=WORKERS)
    def die_without_a_word(self, worker: str) -> None:
        with self.store.write() as tx:
            crashes.charge_all(tx, worker, error="killed", jitter=0.5, now=self.now)
            crashes.release(tx, worker, None, [], error="killed", jitter=0.5, now=self.now)

    @rule(hours=st.sampled_from([timedelta(seconds=40), HOUR]))
    def wait(self, hours: timedelta) -> None:
        self.now += hours

    @rule(is_retried=st.booleans())
    def decide_about_the_dead(self, is_retried: bool) -> None:
        with self.store.write() as tx:
            for one in decisions.undecided(tx, Selection())[:1]:
                if is_retried:
                    assert decisions.retry(tx, [one], who="ann", reason="", now=self.now)
                else:
                    assert decisions.discard(tx, [one], who="ann", reason="", now=self.now)

    @precondition(lambda self: len(self.replays) < 2)
    @rule(status=st.sampled_from([None, "done", "dead", "retrying"]), key=st.none() | KEYS)
    def replay(self, status: str | None, key: str | None) -> None:
        selection = Selection(status=status, key=key)
        with self.store.write() as tx:
            planned = replays.plan(tx, "books", selection)
            replay_id = f"r{len(self.replays)}"
            replays.start(
                tx, planned, replay_id=replay_id, plan_id="", mode="rerun", reason="", who="", now=self.now
            )
            generation = max(left.generation_id for left in filling.unfilled(tx))
        meant = self.chosen(status)
        self.replays[generation] = {id_ for id_, of in self.landed if id_ in meant and key in (None, of)}
        assert planned.events == len(self.replays[generation])

    @rule()
    def fill_a_window(self) -> None:
        with self.store.write() as tx:
            for left in filling.unfilled(tx)[:1]:
                filling.fill_window(tx, left, now=self.now)

    # -------------------------------------------------------- what must hold

    @invariant()
    def every_delivery_is_at_exactly_one_place(self) -> None:
        """Due, dead or ended: of each landed event once for each processor."""
        if not hasattr(self, "store"):
            return
        with self.store.read() as tx:
            for generation in (self.books, self.mail):
                due = tx.execute(
                    select(func.count())
                    .select_from(deliveries)
                    .join(lane_table, lane_table.c.id == deliveries.c.lane_id)
                    .where(lane_table.c.generation_id == generation)
                ).scalar_one()
                counts = [
                    tx.execute(
                        select(func.count()).select_from(table).where(table.c.generation_id == generation)
                    ).scalar_one()
                    for table in (dead, outcomes)
                ]
                assert due + sum(counts) == len(self.landed)

    @invariant()
    def the_totals_are_those_of_the_outcomes(self) -> None:
        """Whatever ended, in live work or in a replay, is counted once, as what it ended."""
        if not hasattr(self, "store"):
            return
        kind = (outcomes.c.generation_id, outcomes.c.state, outcomes.c.verdict)
        with self.store.read() as tx:
            counted = tx.execute(select(*kind, func.count()).group_by(*kind)).all()
            assert set(tx.execute(select(outcome_totals))) == set(counted)

    @invariant()
    def keys_are_worked_in_their_order(self) -> None:
        """Whatever is done under a key was done in the order in which it landed, what was retried apart."""
        if not hasattr(self, "store"):
            return
        order = {id_: n for n, (id_, _) in enumerate(self.landed)}
        for generation, ended in self.ended.items():
            assert len(ended) == len(set(ended))
            if generation == self.mail:
                continue  # what is stepped over may be retried later
            for of_key in "abc":
                mine = [order[id_] for id_ in ended if dict(self.landed)[id_] == of_key]
                assert mine == sorted(mine)

    def drain(self) -> None:
        """Once the faults stop everything drains: every delivery has one outcome, every replay its set."""
        for worker in self.held:
            with self.store.write() as tx:
                lanes.release(tx, worker, now=self.now)
        while True:
            self.now += HOUR
            with self.store.write() as tx:
                for left in filling.unfilled(tx):
                    assert filling.fill_window(tx, left, now=self.now) is None
                for died in decisions.undecided(tx, Selection()):
                    decisions.retry(tx, [died], who="ann", reason="", now=self.now)
            with self.store.read() as tx:
                due = lanes.due(tx, now=self.now)
            if not due.now:
                assert due.next_at is None
                break
            for one in due.now:
                started = claim(self.store, one.generation_id, budget=6, now=self.now)
                complete(self.store, started, now=self.now)
                self.ended.setdefault(one.generation_id, []).extend(held.event_id for held in started)
        self.keys_are_worked_in_their_order()
        everything = {id_ for id_, _ in self.landed}
        for generation, wanted_ids in {self.books: everything, self.mail: everything, **self.replays}.items():
            assert set(states(self.store, generation)) == wanted_ids
        assert verifying.verify(self.store).holds

    # -------------------------------------------------------- the model's hands

    def take(self, data: st.DataObject) -> list[Held]:
        worker = data.draw(st.sampled_from([one for one, holds in self.held.items() if holds]))
        holds = self.held[worker]
        return holds.pop(data.draw(st.integers(0, len(holds) - 1)))

    def check_order(self, started: list[Held]) -> None:
        """What is started of a lane follows one another, and nothing that was done comes again."""
        for lane in {one.lane.id for one in started}:
            keyseqs = [one.keyseq for one in started if one.lane.id == lane]
            assert keyseqs == sorted(set(keyseqs))
        for one in started:
            assert one.event_id not in self.ended.get(one.lane.generation_id, [])

    def chosen(self, status: str | None) -> set[str]:
        """The ids that a status means for the processor `books` now."""
        if status is None:
            return {id_ for id_, _ in self.landed}
        if status == "done":
            return {id_ for id_, state in states(self.store, self.books).items() if state == "done"}
        with self.store.read() as tx:
            if status == "dead":
                return {one.event_id for one in decisions.undecided(tx, Selection(), processor="books")}
            failing = (
                select(events.c.id)
                .join(deliveries, deliveries.c.position == events.c.position)
                .join(lane_table, lane_table.c.id == deliveries.c.lane_id)
                .where(
                    lane_table.c.generation_id == self.books, deliveries.c.attempts + deliveries.c.crashes > 0
                )
            )
            return set(tx.execute(failing).scalars())


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_lost_doubled_or_disordered(backend: str) -> None:
    class OfBackend(Machine):
        pass

    OfBackend.backend = backend
    case = OfBackend.TestCase
    case.settings = settings(tries(backend, 32), stateful_step_count=50)
    case().runTest()
