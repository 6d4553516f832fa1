"""What a replay found is reported, and what was dead and succeeds in it is dead no more."""

import pytest

from ingest.store import decisions, replays, subscriptions
from ingest.store.engine import Store
from ingest.store.selection import Selection
from tests.store.replaying import ALL, finish, report, rerun, start, workable
from tests.store.stage import (
    NOON,
    SECOND,
    a_draft,
    append,
    claim,
    dead_ids,
    fail,
    fill,
    kill,
    land,
    states,
    subscribe,
    work_off,
)


@pytest.fixture
def live(store: Store) -> int:
    """Seven events under three keys, all done."""
    generation = subscribe(store)
    append(store, *(a_draft(f"{n}", key="abc"[n % 3]) for n in range(7)))
    work_off(store, generation)
    return generation


def test_a_report_counts_the_verdicts(store: Store, live: int) -> None:
    generation = start(store)
    fill(store)
    for verdict in ["unchanged"] * 3 + ["repaired"] * 2 + ["changed"]:
        (one,) = claim(store, generation)
        rerun(store, one, verdict)
    (one,) = claim(store, generation)
    fail(store, one, is_permanent=True)
    finish(store)

    found = report(store)

    assert (found.unchanged, found.repaired, found.changed, found.dead, found.done) == (3, 2, 1, 1, 7)


def test_a_delivery_that_dies_in_a_replay_waits_for_nobody_and_blocks_nothing(
    store: Store, live: int
) -> None:
    generation = start(store, Selection(key="a"))
    fill(store)
    first, *_ = claim(store, generation, budget=1)

    assert fail(store, first, is_permanent=True) == "dead"

    assert dead_ids(store, generation) == dead_ids(store, live) == []
    assert work_off(store, generation) == ["3", "6"]
    assert states(store, generation) == {"0": "dead", "3": "done", "6": "done"}
    assert states(store, live)["0"] == "done"


def test_a_rerun_that_succeeds_closes_the_dead_delivery_and_its_key_goes_on(store: Store) -> None:
    live = subscribe(store)
    land(store, "1", "2")
    kill(store, live)
    generation = start(store, Selection(status="dead"))
    fill(store)
    (one,) = claim(store, generation)

    rerun(store, one, "repaired")

    assert dead_ids(store, live) == []
    assert states(store, live) == {"1": "done"}
    assert work_off(store, live) == ["2"]


def test_a_rerun_that_fails_leaves_the_dead_delivery_and_its_key_parked(store: Store) -> None:
    live = subscribe(store)
    land(store, "1", "2")
    kill(store, live)
    generation = start(store, Selection(status="dead"))
    fill(store)
    (one,) = claim(store, generation)

    fail(store, one, is_permanent=True)

    assert dead_ids(store, live) == ["1"]
    assert work_off(store, live) == []


def test_a_rerun_of_what_was_retried_and_done_meanwhile_closes_nothing_twice(store: Store) -> None:
    live = subscribe(store)
    land(store, "1")
    kill(store, live)
    generation = start(store, Selection(status="dead"))
    fill(store)
    (one,) = claim(store, generation)
    with store.write() as tx:
        (dead_one,) = decisions.undecided(tx, Selection())
        decisions.retry(tx, [dead_one], who="ann", reason="again", now=NOON)
    work_off(store, live)

    rerun(store, one, "unchanged")

    assert states(store, live) == states(store, generation) == {"1": "done"}


def test_replays_are_listed_in_the_order_in_which_they_were_requested(store: Store, live: int) -> None:
    start(store, replay_id="r2")
    start(store, replay_id="r1")

    with store.write() as tx:
        planned = replays.plan(tx, "books", ALL)
        replays.start(
            tx, planned, replay_id="r0", plan_id="p", mode="rerun", reason="", who="", now=NOON + SECOND
        )

    with store.read() as tx:
        assert [found.id for found in replays.reports(tx)] == ["r1", "r2", "r0"]


def test_two_replays_of_the_same_past_run_side_by_side(store: Store, live: int) -> None:
    one, other = start(store, replay_id="r1"), start(store, replay_id="r2")
    fill(store)

    assert len(work_off(store, one)) == len(work_off(store, other)) == 7
    assert finish(store) == 2


def test_the_replays_of_a_processor_that_is_removed_are_cancelled(store: Store, live: int) -> None:
    start(store)
    fill(store)

    with store.write() as tx:
        subscriptions.remove(tx, "books", now=NOON)

    assert workable(store) == []
    assert (report(store).state, report(store).ended_at) == ("cancelled", NOON)


def test_a_paused_processor_is_replayed_while_its_live_work_waits(store: Store, live: int) -> None:
    start(store)
    fill(store)
    land(store, "later")

    with store.write() as tx:
        subscriptions.set_state(tx, "books", "paused", now=NOON)

    assert [kind for _, kind in workable(store)] == ["replay"]
