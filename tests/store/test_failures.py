"""A try that fails is charged to its delivery alone; what follows it under its key waits, or goes on."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ingest.domain.retry import Budget
from ingest.store import crashes, dead, deliveries, lanes
from ingest.store.engine import Store
from ingest.store.presence import Running
from ingest.store.schema import attempts, events, outcomes
from ingest.store.schema import dead as dead_table
from tests.store.stage import (
    MINUTE,
    NOON,
    a_draft,
    append,
    claim,
    complete,
    dead_ids,
    fail,
    ids,
    kill,
    land,
    reap,
    states,
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


# ---------------------------------------------------------------- retries


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
        deliveries.complete(tx, [outcome_of(first)], worker="w1", now=NOON)
    fail(store, second, now=NOON)

    assert states(store, generation) == {"1": "done"}
    assert work_off(store, generation, now=NOON + MINUTE) == ["2", "3"]


def outcome_of(one: object) -> deliveries.Outcome:
    return deliveries.Outcome(held=one, started_at=NOON, version="1")  # type: ignore[arg-type]


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


# ---------------------------------------------------------------- dead


def test_a_dead_delivery_parks_its_lane_and_no_other(store: Store, generation: int) -> None:
    land(store, "1", "2", key="a")
    land(store, "3", key="b")
    kill(store, generation)

    assert work_off(store, generation, now=NOON + HOUR) == ["3"]


def test_what_arrives_behind_a_dead_delivery_waits_too(store: Store, generation: int) -> None:
    land(store, "1")
    kill(store, generation)

    land(store, "2")

    assert work_off(store, generation, now=NOON + HOUR) == []


def test_a_dead_delivery_is_stepped_over_where_that_is_wanted(store: Store) -> None:
    generation = subscribe(store, wanted(on_dead="skip"))
    land(store, "1", "2")
    kill(store, generation, on_dead="skip")

    assert work_off(store, generation) == ["2"]
    assert dead_ids(store, generation) == ["1"]


def rows_of_the_dead(store: Store, generation: int) -> list[object]:
    statement = select(dead_table).where(dead_table.c.generation_id == generation)
    with store.read() as tx:
        return list(tx.execute(statement.order_by(dead_table.c.position)))


def retry(store: Store, generation: int) -> list[bool]:
    rows = rows_of_the_dead(store, generation)
    with store.write() as tx:
        return [dead.retry(tx, row, now=NOON + HOUR) for row in rows]


def discard(store: Store, generation: int) -> list[bool]:
    rows = rows_of_the_dead(store, generation)
    with store.write() as tx:
        return [
            dead.close(
                tx,
                row,
                dead.outcome_row(
                    (generation, row.position),  # type: ignore[attr-defined]
                    state="discarded",
                    note="ann: no use",
                    ended_at=NOON,
                ),
                now=NOON,
            )
            for row in rows
        ]


@pytest.mark.parametrize("on_dead", ["park", "skip"])
def test_a_dead_delivery_that_is_retried_goes_first_with_fresh_budgets(store: Store, on_dead: str) -> None:
    generation = subscribe(store, wanted(on_dead=on_dead))
    land(store, "1", "2")
    (one,) = claim(store, generation)
    fail(store, one, is_crash=True)
    (one,) = claim(store, generation, now=NOON + HOUR)
    fail(store, one, is_permanent=True, on_dead=on_dead, now=NOON + HOUR)
    land(store, "3")

    assert retry(store, generation) == [True]

    (again, *_) = started = claim(store, generation, budget=9, now=NOON + 2 * HOUR)
    assert ids(started) == ["1", "2", "3"]
    assert (again.attempts, again.crashes) == (0, 0)
    assert dead_ids(store, generation) == []


def test_a_retry_of_what_is_not_dead_any_more_does_nothing(store: Store, generation: int) -> None:
    land(store, "1")
    kill(store, generation)
    rows = rows_of_the_dead(store, generation)
    with store.write() as tx:
        assert dead.retry(tx, rows[0], now=NOON)

    with store.write() as tx:
        assert not dead.retry(tx, rows[0], now=NOON)

    assert work_off(store, generation) == ["1"]


def test_a_skipped_delivery_whose_lane_is_gone_is_retried_in_a_new_one(store: Store) -> None:
    generation = subscribe(store, wanted(on_dead="skip"))
    land(store, "1", "2")
    kill(store, generation, on_dead="skip")
    work_off(store, generation)

    assert retry(store, generation) == [True]
    assert work_off(store, generation, now=NOON + HOUR) == ["1"]


def test_a_skipped_delivery_that_is_retried_while_another_works_its_key_waits_for_the_lane(
    store: Store,
) -> None:
    generation = subscribe(store, wanted(on_dead="skip"))
    land(store, "1", "2", "3")
    kill(store, generation, on_dead="skip")
    started = claim(store, generation)

    retry(store, generation)
    complete(store, started)

    assert work_off(store, generation, now=NOON + HOUR) == ["1", "3"]
    assert states(store, generation) == {"1": "done", "2": "done", "3": "done"}


def test_a_dead_delivery_that_is_discarded_has_its_outcome_and_its_key_goes_on(
    store: Store, generation: int
) -> None:
    land(store, "1", "2")
    kill(store, generation)

    assert discard(store, generation) == [True]

    assert work_off(store, generation) == ["2"]
    assert states(store, generation) == {"1": "discarded", "2": "done"}
    assert dead_ids(store, generation) == []


def test_what_was_discarded_cannot_be_discarded_or_retried_again(store: Store, generation: int) -> None:
    land(store, "1")
    kill(store, generation)
    (row,) = rows_of_the_dead(store, generation)
    discard(store, generation)

    with store.write() as tx:
        outcome = dead.outcome_row((generation, 1), state="discarded", ended_at=NOON)
        assert not dead.close(tx, row, outcome, now=NOON)
        assert not dead.retry(tx, row, now=NOON)


def test_a_skipped_delivery_that_is_discarded_leaves_a_parked_lane_parked(store: Store) -> None:
    generation = subscribe(store, wanted(on_dead="skip"))
    land(store, "1", "2", "3")
    kill(store, generation, on_dead="skip")
    kill(store, generation, on_dead="park")
    skipped, _ = rows_of_the_dead(store, generation)
    with store.write() as tx:
        outcome = dead.outcome_row((generation, 1), state="discarded", ended_at=NOON)
        dead.close(tx, skipped, outcome, now=NOON)

    assert work_off(store, generation, now=NOON + HOUR) == []


# ---------------------------------------------------------------- superseded


def test_a_dead_delivery_ends_as_superseded_when_a_later_version_lands_and_its_key_goes_on(
    store: Store, generation: int
) -> None:
    land(store, "v1", "other")
    kill(store, generation)

    append(store, a_draft("v2", supersedes="v1"))

    assert dead_ids(store, generation) == []
    assert work_off(store, generation) == ["other", "v2"]
    assert states(store, generation) == {"v1": "superseded", "other": "done", "v2": "done"}


def test_a_delivery_that_dies_after_a_later_version_has_landed_ends_as_superseded(
    store: Store, generation: int
) -> None:
    land(store, "v1")
    append(store, a_draft("v2", supersedes="v1"))
    (one,) = claim(store, generation)

    assert fail(store, one, is_permanent=True) == "superseded"

    assert work_off(store, generation) == ["v2"]
    assert states(store, generation) == {"v1": "superseded", "v2": "done"}


def test_a_delivery_that_is_superseded_and_not_dead_is_worked_as_ever(store: Store, generation: int) -> None:
    land(store, "v1")
    (one,) = claim(store, generation)
    fail(store, one)

    append(store, a_draft("v2", supersedes="v1"))

    assert work_off(store, generation, now=NOON + HOUR) == ["v1", "v2"]
    assert states(store, generation) == {"v1": "done", "v2": "done"}


def test_a_later_version_closes_the_dead_deliveries_of_every_processor(store: Store) -> None:
    generations = [subscribe(store, wanted(name)) for name in ("books", "mail")]
    land(store, "v1")
    for generation in generations:
        kill(store, generation)

    append(store, a_draft("v2", key="another", supersedes="v1"))

    assert [states(store, generation) for generation in generations] == [{"v1": "superseded"}] * 2


def test_a_later_version_does_not_touch_what_was_discarded(store: Store, generation: int) -> None:
    land(store, "v1")
    kill(store, generation)
    discard(store, generation)

    append(store, a_draft("v2", supersedes="v1"))

    assert states(store, generation) == {"v1": "discarded"}


def test_an_append_that_is_rolled_back_supersedes_nothing(store: Store, generation: int) -> None:
    land(store, "v1")
    kill(store, generation)

    with pytest.raises(ZeroDivisionError), store.write() as tx:
        from ingest.store import outbox  # noqa: PLC0415

        outbox.append(tx, [a_draft("v2", supersedes="v1")], now=NOON)
        _ = 1 / 0

    assert dead_ids(store, generation) == ["v1"]


# ---------------------------------------------------------------- crashes


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
        deliveries.complete(tx, [outcome_of(first)], worker="w1", now=NOON)

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
        deliveries.complete(tx, [outcome_of(first)], worker="w1", now=NOON)

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


# ---------------------------------------------------------------- outcomes


def test_there_is_at_most_one_outcome_for_a_delivery(store: Store, generation: int) -> None:
    land(store, "1")
    started = claim(store, generation)
    complete(store, started)

    with pytest.raises(Exception, match=r"(?i)unique"), store.write() as tx:
        deliveries.complete(tx, [outcome_of(started[0])], worker="w1", now=NOON)

    assert states(store, generation) == {"1": "done"}
