"""A try that fails is charged to its delivery; what follows it under its key waits behind it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ingest.domain.retry import Budget
from ingest.store import deliveries, lanes
from ingest.store.engine import Store
from ingest.store.schema import attempts, events, outcomes
from ingest.store.schema import dead as dead_table
from tests.store.stage import (
    MINUTE,
    NOON,
    claim,
    complete,
    dead_ids,
    fail,
    land,
    outcome,
    states,
    subscribe,
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


def test_a_retry_waits_at_the_head_of_its_lane_and_the_others_queue_behind_it(
    store: Store, generation: int
) -> None:
    land(store, "1", "2")
    (one,) = claim(store, generation)

    assert fail(store, one, now=NOON) == "retrying"
    land(store, "3")

    assert claim(store, generation, budget=9, now=NOON + MINUTE - timedelta(microseconds=1)) == []
    assert work_off(store, generation, now=NOON + MINUTE) == ["1", "2", "3"]


def test_a_retry_of_one_key_slows_no_other(store: Store, generation: int) -> None:
    land(store, "a", key="a")
    land(store, "b", key="b")
    (one,) = claim(store, generation)
    fail(store, one)

    assert work_off(store, generation) == ["b"]


def test_a_failure_among_several_started_deliveries_holds_back_what_follows(
    store: Store, generation: int
) -> None:
    land(store, "1", "2", "3")
    first, second, _ = claim(store, generation, budget=3)
    with store.write() as tx:
        lanes.prove(tx, [first.lane])
        deliveries.complete(tx, [outcome(first)], worker="w1", now=NOON)
    fail(store, second, now=NOON)

    assert states(store, generation) == {"1": "done"}
    assert work_off(store, generation, now=NOON + MINUTE) == ["2", "3"]


def test_waits_grow_from_try_to_try_and_survive_in_the_store(store: Store, generation: int) -> None:
    land(store, "1")
    now, waits = NOON, []
    budget = Budget(max_attempts=9, max_crashes=9, base=MINUTE, cap=timedelta(minutes=5))
    for _ in range(4):
        (one,) = claim(store, generation, now=now)
        fail(store, one, now=now, budget=budget)
        with store.read() as tx:
            until = lanes.due(tx, now=now).next_at
        assert until is not None
        waits.append(until - now)
        now = until

    assert waits == [MINUTE, 2 * MINUTE, 4 * MINUTE, 5 * MINUTE]


def test_a_delivery_is_dead_when_its_attempts_are_used_up_and_not_before(
    store: Store, generation: int
) -> None:
    land(store, "1")
    ended = []
    for n in range(3):
        (one,) = claim(store, generation, now=NOON + n * HOUR)
        ended.append(fail(store, one, now=NOON + n * HOUR))

    assert ended == ["retrying", "retrying", "dead"]
    assert dead_ids(store, generation) == ["1"]


def test_a_delivery_that_failed_and_then_succeeds_is_done_at_its_second_attempt(
    store: Store, generation: int
) -> None:
    land(store, "1")
    (one,) = claim(store, generation)
    fail(store, one)

    complete(store, claim(store, generation, now=NOON + HOUR), worker="w2", now=NOON + HOUR)

    with store.read() as tx:
        row = tx.execute(select(outcomes)).one()
    assert (row.state, row.n, row.worker, row.ended_at) == ("done", 2, "w2", NOON + HOUR)
    assert history(store, "1") == [(1, "failed", "no")]


def test_a_permanent_failure_is_dead_at_once(store: Store, generation: int) -> None:
    land(store, "1")
    (one,) = claim(store, generation)

    assert fail(store, one, is_permanent=True) == "dead"
    assert history(store, "1") == [(1, "failed", "no")]


def test_attempts_and_crashes_are_counted_apart(store: Store, generation: int) -> None:
    land(store, "1")
    ended = []
    for n, is_crash in enumerate([False, True, False, True]):
        (one,) = claim(store, generation, now=NOON + n * HOUR)
        ended.append(fail(store, one, is_crash=is_crash, now=NOON + n * HOUR))

    assert ended == ["retrying", "retrying", "retrying", "dead"]
    with store.read() as tx:
        row = tx.execute(select(dead_table)).one()
    assert (row.attempts, row.crashes) == (2, 2)


def test_an_error_is_kept_bounded(store: Store, generation: int) -> None:
    land(store, "1")
    (one,) = claim(store, generation)
    failure = deliveries.Failure(held=one, started_at=None, error="x" * 10_000, is_permanent=True)
    with store.write() as tx:
        deliveries.fail(tx, failure, budget=Budget(), on_dead="park", jitter=0, worker="w1", now=NOON)

    ((_, _, error),) = history(store, "1")
    assert error is not None
    assert len(error) == deliveries.ERROR_CHARS


def test_there_is_at_most_one_outcome_for_a_delivery(store: Store, generation: int) -> None:
    land(store, "1")
    started = claim(store, generation)
    complete(store, started)

    with pytest.raises(Exception, match=r"(?i)unique"), store.write() as tx:
        deliveries.complete(tx, [outcome(started[0])], worker="w1", now=NOON)

    assert states(store, generation) == {"1": "done"}
