"""What old records may go, and what never does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Table, func, select, update

from ingest.domain.comparing import Differences, Tally
from ingest.store import decisions, pruning, replays, shadows, standing, subscriptions, workers
from ingest.store.engine import Store
from ingest.store.held import Held
from ingest.store.pruning import Pruned
from ingest.store.schema import (
    difference_totals,
    differences,
    events,
    generations,
    outcome_totals,
    outcomes,
)
from ingest.store.schema import replays as replay_table
from ingest.store.schema import workers as worker_table
from ingest.store.selection import Selection
from ingest.store.shadows import Foreseen
from ingest.store.workers import Worker
from tests.store.replaying import ALL, ask, finish, report, rerun, start
from tests.store.stage import (
    MINUTE,
    NOON,
    claim,
    complete,
    dead_ids,
    fail,
    fill,
    kill,
    land,
    states,
    subscribe,
    work_off,
)

LATER = NOON + timedelta(days=1)


def a_change() -> Differences:
    """One row would be added."""
    return Differences(tallies={("rows", "payments"): Tally(added=1)})


def count(store: Store, table: Table) -> int:
    with store.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


def prune(store: Store, before: datetime = LATER) -> Pruned:
    """All that may go is gone, and was foreseen; the totals of outcomes agree after each step."""
    with store.read() as tx:
        foreseen = pruning.foresee(tx, before)
    pruned = Pruned()
    taken = 0
    for step in pruning.steps(store, before, pruned):
        taken += step
        assert _totals_agree(store)
    assert pruned == foreseen
    assert taken == pruned.rows
    return pruned


def _totals_agree(store: Store) -> bool:
    counted = select(outcomes.c.generation_id, outcomes.c.state, outcomes.c.verdict, func.count()).group_by(
        outcomes.c.generation_id, outcomes.c.state, outcomes.c.verdict
    )
    with store.read() as tx:
        kept = {tuple(row) for row in tx.execute(select(outcome_totals))}
        return kept == {tuple(row) for row in tx.execute(counted)}


@pytest.fixture
def live(store: Store) -> int:
    """The live generation of one processor; three events have landed, each under its own key."""
    generation = subscribe(store)
    for id_ in ("a", "b", "c"):
        land(store, id_, key=id_)
    return generation


def a_failure(store: Store, generation: int) -> Held:
    """One try in vain, of a delivery that will be due again."""
    (one,) = claim(store, generation)
    fail(store, one)
    return one


def a_replay(store: Store, replay_id: str, *, mode: str = "rerun", selection: Selection = ALL) -> int:
    """A replay has been through, each delivery done and unchanged; its generation."""
    generation = start(store, selection, replay_id=replay_id)
    with store.write() as tx:
        tx.execute(update(replay_table).where(replay_table.c.id == replay_id).values(mode=mode))
    fill(store)
    while started := claim(store, generation, budget=100):
        for one in started:
            rerun(store, one, "unchanged")
    finish(store)
    return generation


def generation_ids(store: Store) -> set[int]:
    with store.read() as tx:
        return set(tx.execute(select(generations.c.id)).scalars())


def test_vain_attempts_of_what_has_ended_go_and_what_became_of_it_stays(store: Store, live: int) -> None:
    a_failure(store, live)
    work_off(store, live, now=NOON + MINUTE)

    assert prune(store) == Pruned(attempts=1)

    assert states(store, live) == {"a": "done", "b": "done", "c": "done"}
    assert count(store, events) == 3
    assert prune(store) == Pruned()


def test_what_is_younger_stays(store: Store, live: int) -> None:
    a_failure(store, live)
    work_off(store, live, now=NOON + MINUTE)
    a_replay(store, "r1")

    assert prune(store, NOON) == Pruned()


def test_attempts_of_what_is_due_again_or_dead_stay_until_it_has_ended(store: Store, live: int) -> None:
    a_failure(store, live)
    kill(store, live)

    assert prune(store) == Pruned()

    with store.write() as tx:
        (dead,) = decisions.undecided(tx, ALL)
        decisions.discard(tx, [dead], who="ann", reason="a test file", now=NOON)
    work_off(store, live, now=NOON + MINUTE)
    assert prune(store) == Pruned(attempts=2)


@pytest.mark.parametrize("mode", ["rerun", "force", "shadow"])
def test_a_replay_that_has_ended_goes_whole(store: Store, live: int, mode: str) -> None:
    work_off(store, live)
    generation = a_replay(store, "r1", mode=mode)
    with store.write() as tx:
        shadows.record(
            tx, generation, [Foreseen(position=1, stands="done", would="dead", differences=a_change())]
        )

    assert prune(store) == Pruned(replays=1, outcomes=3)

    assert generation_ids(store) == {live}
    assert [count(store, table) for table in (differences, difference_totals)] == [0, 0]
    assert states(store, live) == {"a": "done", "b": "done", "c": "done"}


def test_a_replay_that_was_cancelled_goes_with_the_attempts_it_made(store: Store, live: int) -> None:
    work_off(store, live)
    generation = start(store)
    fill(store)
    a_failure(store, generation)
    ask(store, lambda tx, id_: replays.cancel(tx, id_, now=NOON))

    assert prune(store) == Pruned(attempts=1, replays=1)
    assert generation_ids(store) == {live}


@pytest.mark.parametrize("state", ["filling", "running", "paused"])
def test_nothing_of_a_replay_that_has_not_ended_goes(store: Store, live: int, state: str) -> None:
    work_off(store, live)
    generation = start(store)
    if state != "filling":
        fill(store)
        a_failure(store, generation)
        complete(store, claim(store, generation))
    if state == "paused":
        ask(store, replays.pause)
    before = report(store)

    assert prune(store) == Pruned()

    assert report(store) == before
    assert before.state == state


def test_a_replay_that_alone_says_that_an_event_was_handled_stays_whole(store: Store, live: int) -> None:
    kill(store, live, on_dead="skip")
    with store.write() as tx:
        (dead,) = decisions.undecided(tx, ALL)
        decisions.discard(tx, [dead], who="ann", reason="left out", now=NOON)
    work_off(store, live)
    a_replay(store, "r1")
    a_replay(store, "r2", selection=Selection(ids=("b",)))

    assert prune(store) == Pruned(attempts=1, replays=1, outcomes=1, kept_replays=1)

    assert report(store, "r1").unchanged == 3
    with store.read() as tx:
        assert standing.was_done(tx, 1, "books")


def test_a_shadow_says_of_nothing_that_it_was_handled(store: Store, live: int) -> None:
    for _ in "abc":
        kill(store, live, on_dead="skip")
    generation = start(store)
    with store.write() as tx:
        tx.execute(update(replay_table).values(mode="shadow"))
    fill(store)
    work_off(store, generation)
    finish(store)

    assert prune(store) == Pruned(replays=1, outcomes=3)

    assert dead_ids(store, live) == ["a", "b", "c"]


def test_attempts_of_a_processor_that_was_removed_go(store: Store, live: int) -> None:
    a_failure(store, live)
    with store.write() as tx:
        subscriptions.remove(tx, "books", now=NOON)

    assert prune(store) == Pruned(attempts=1)


def test_starts_of_processes_that_have_ended_go_and_those_of_others_stay(store: Store, live: int) -> None:
    for name in ("stopped", "stale", "alive", "w1"):
        with store.write() as tx:
            workers.enlist(tx, Worker(id=name, kind="worker", host="box", pid=1), lease=MINUTE, now=NOON)
    claim(store, live)  # by w1
    with store.write() as tx:
        workers.retire(tx, "stopped", now=NOON)
        for name in ("stale", "w1"):
            workers.bury_worker(tx, name)

    assert prune(store) == Pruned(workers=2)

    with store.read() as tx:
        assert set(tx.execute(select(worker_table.c.id)).scalars()) == {"alive", "w1"}


def test_it_is_many_short_steps_and_can_be_given_up_after_any_of_them(
    store: Store, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "WINDOW", 1)
    for name in ("_POSITIONS", "_OLD_ATTEMPTS", "_OLD_WORKERS"):
        monkeypatch.setattr(pruning, name, getattr(pruning, name).limit(1))
    a_failure(store, live)
    work_off(store, live, now=NOON + MINUTE)
    a_replay(store, "r1")
    all_steps = 0
    while next(pruning.steps(store, LATER, Pruned()), None) is not None:
        all_steps += 1
        assert _totals_agree(store)

    assert all_steps == 1 + 3 + 1  # an attempt, three outcomes, the replay
    assert generation_ids(store) == {live}
