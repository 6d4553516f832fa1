"""A crash is charged to the delivery that ran when its process died, and to no other."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ingest.store import crashes, deliveries
from ingest.store.engine import Store
from ingest.store.presence import Running
from ingest.store.schema import attempts, events
from tests.store.stage import (
    NOON,
    claim,
    complete,
    ids,
    land,
    outcome,
    reap,
    subscribe,
    wanted,
    work_off,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def generation(store: Store) -> int:
    return subscribe(store)


def history(store: Store, id_: str) -> list[tuple[int, str, str | None]]:
    """Every try of an event that failed: which it was, how it ended and why."""
    statement = (
        select(attempts)
        .join(events, events.c.position == attempts.c.position)
        .where(events.c.id == id_)
        .order_by(attempts.c.id)
    )
    with store.read() as tx:
        return [(row.n, row.ended, row.error) for row in tx.execute(statement)]


def test_a_crash_is_charged_to_the_delivery_that_ran_and_to_no_other(store: Store, generation: int) -> None:
    land(store, "a1", "a2", key="a")
    land(store, "b1", "b2", key="b")
    started = claim(store, generation, budget=4)
    ran = started[2]

    assert reap(store, child=1, ran=[ran], now=NOON) == ["retrying"]

    later = {one.event_id: one.crashes for one in claim(store, generation, budget=9, now=NOON)}
    later |= {one.event_id: one.crashes for one in claim(store, generation, budget=9, now=NOON + HOUR)}
    assert ran.event_id == "b1"
    assert later == {"a1": 0, "a2": 0, "b1": 1}


def test_a_second_delivery_of_a_lane_that_ran_is_charged_itself(store: Store, generation: int) -> None:
    land(store, "1", "2", "3")
    first, second, _ = claim(store, generation, budget=3)
    with store.write() as tx:
        deliveries.complete(tx, [outcome(first)], worker="w1", now=NOON)

    reap(store, child=1, ran=[second])

    (again,) = claim(store, generation, budget=3, now=NOON + HOUR)
    assert (again.event_id, again.crashes) == ("2", 1)


def test_a_delivery_that_crashed_is_run_alone(store: Store, generation: int) -> None:
    land(store, "a1", "a2", key="a")
    land(store, "b", key="b")
    (ran,) = claim(store, generation)
    reap(store, ran=[ran], jitter=0, now=NOON - HOUR)

    assert ids(claim(store, generation, budget=9)) == ["a1"]
    assert ids(claim(store, generation, worker="w2", budget=9)) == ["b"]


def test_one_that_must_run_alone_is_left_out_of_a_claim_that_others_lead(
    store: Store, generation: int
) -> None:
    land(store, "a", key="a", now=NOON)
    (ran,) = claim(store, generation)
    land(store, "b", key="b", now=NOON)
    land(store, "c", key="c", now=NOON + HOUR)
    reap(store, ran=[ran], jitter=0.5, now=NOON)

    assert ids(claim(store, generation, budget=9, now=NOON + 2 * HOUR)) == ["b"]
    assert ids(claim(store, generation, budget=9, now=NOON + 2 * HOUR)) == ["a"]
    assert ids(claim(store, generation, budget=9, now=NOON + 2 * HOUR)) == ["c"]


def test_a_lane_is_trusted_again_once_what_crashed_in_it_has_ended(store: Store, generation: int) -> None:
    land(store, "1", "2", "3", "4")
    (ran,) = claim(store, generation)
    reap(store, ran=[ran])
    alone = claim(store, generation, budget=9, now=NOON + HOUR)

    complete(store, alone)

    assert ids(alone) == ["1"]
    assert ids(claim(store, generation, budget=9, now=NOON + HOUR)) == ["2", "3", "4"]


def test_a_delivery_that_crashes_its_worker_again_and_again_is_dead(store: Store, generation: int) -> None:
    land(store, "poison", key="a")
    ended = []
    for n in range(2):
        (ran,) = claim(store, generation, now=NOON + n * HOUR)
        ended += reap(store, ran=[ran], now=NOON + n * HOUR)
    land(store, "healthy", key="b")

    assert ended == ["retrying", "dead"]
    assert work_off(store, generation, now=NOON + 9 * HOUR) == ["healthy"]
    assert history(store, "poison") == [(1, "crashed", "killed"), (2, "crashed", "killed")]


def test_a_crash_is_charged_once_however_often_the_death_is_noticed(store: Store, generation: int) -> None:
    land(store, "1")
    (ran,) = claim(store, generation)

    assert reap(store, ran=[ran]) == ["retrying"]
    assert reap(store, ran=[ran]) == []


def test_what_ran_and_had_ended_before_the_crash_is_not_charged(store: Store, generation: int) -> None:
    land(store, "1", "2")
    first, _ = claim(store, generation, budget=2)
    with store.write() as tx:
        deliveries.complete(tx, [outcome(first)], worker="w1", now=NOON)

    assert reap(store, ran=[first]) == []
    (second,) = claim(store, generation, budget=9)
    assert (second.event_id, second.crashes) == ("2", 0)


def test_a_board_of_a_claim_that_was_lost_charges_nobody(store: Store, generation: int) -> None:
    land(store, "1")
    (ran,) = claim(store, generation, worker="w1")
    reap(store, worker="w1")
    claim(store, generation, worker="w2")

    with store.write() as tx:
        stale = Running(ran.lane.id, ran.keyseq, ran.lane.fence, 0)
        assert crashes.charge(tx, "w1", stale, error="killed", jitter=0, now=NOON) is None


def test_a_board_of_an_earlier_claim_of_the_same_worker_charges_nobody(store: Store, generation: int) -> None:
    land(store, "1")
    (ran,) = claim(store, generation, worker="w1")
    reap(store, worker="w1")
    claim(store, generation, worker="w1")

    assert reap(store, worker="w1", ran=[ran]) == []


def test_a_child_that_died_while_nothing_ran_costs_nothing_but_its_lanes_are_run_alone(
    store: Store, generation: int
) -> None:
    land(store, "1", "2")
    claim(store, generation, budget=2)

    assert reap(store, child=1) == []

    (one,) = claim(store, generation, budget=9)
    assert (one.event_id, one.crashes) == ("1", 0)


def test_a_worker_that_died_while_nothing_ran_costs_nothing(store: Store, generation: int) -> None:
    land(store, "1", "2")
    claim(store, generation, budget=2)

    assert reap(store) == []
    assert [(one.event_id, one.crashes) for one in claim(store, generation, budget=9)] == [
        ("1", 0),
        ("2", 0),
    ]


def test_where_nobody_knows_what_ran_the_head_of_every_lane_is_charged_and_run_alone(
    store: Store, generation: int
) -> None:
    land(store, "a1", "a2", key="a")
    land(store, "b1", "b2", key="b")
    claim(store, generation, budget=4)
    with store.write() as tx:
        crashes.charge_all(tx, "w1", error="killed", jitter=0, now=NOON)
        crashes.release(tx, "w1", None, [], error="killed", jitter=0, now=NOON)

    found = [claim(store, generation, budget=9, now=NOON + HOUR) for _ in range(2)]

    assert [[(one.event_id, one.crashes) for one in started] for started in found] == [
        [("a1", 1)],
        [("b1", 1)],
    ]


def test_crashes_are_charged_by_the_rules_their_processor_is_subscribed_with(store: Store) -> None:
    generation = subscribe(store, wanted(on_dead="skip"))
    land(store, "1", "2")
    for n in range(2):
        (ran,) = claim(store, generation, now=NOON + n * HOUR)
        reap(store, ran=[ran], now=NOON + n * HOUR)

    assert work_off(store, generation, now=NOON + 9 * HOUR) == ["2"]
