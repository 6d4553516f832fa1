"""A dead delivery waits for a person, or for the version that supersedes its file; its key waits too."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ingest.store import dead, outbox
from ingest.store.engine import Store
from ingest.store.schema import dead as dead_table
from tests.store.stage import (
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
    rolled_back,
    states,
    subscribe,
    wanted,
    work_off,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def generation(store: Store) -> int:
    return subscribe(store)


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
        return [bool(dead.retry(tx, [row], now=NOON + HOUR)) for row in rows]


def discard(store: Store, generation: int) -> list[bool]:
    rows = rows_of_the_dead(store, generation)
    with store.write() as tx:
        return [
            bool(
                dead.close(
                    tx,
                    [row],
                    [
                        dead.outcome_row(
                            (generation, row.position),  # type: ignore[attr-defined]
                            state="discarded",
                            note="ann: no use",
                            ended_at=NOON,
                        )
                    ],
                    now=NOON,
                )
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


def test_several_dead_of_one_key_and_of_others_are_retried_together_and_in_their_order(store: Store) -> None:
    generation = subscribe(store, wanted(on_dead="skip"))
    land(store, "1", "2", "3")
    land(store, "4", key="other")
    for _ in range(4):
        kill(store, generation, on_dead="skip")
    rows = rows_of_the_dead(store, generation)

    with store.write() as tx:
        assert dead.retry(tx, rows[1:], now=NOON) == rows[1:]
        assert dead.retry(tx, rows, now=NOON) == rows[:1]

    assert sorted(ids(claim(store, generation, budget=9, now=NOON))) == ["1", "2", "3", "4"]
    assert dead_ids(store, generation) == []


def test_a_retry_of_what_is_not_dead_any_more_does_nothing(store: Store, generation: int) -> None:
    land(store, "1")
    kill(store, generation)
    rows = rows_of_the_dead(store, generation)
    with store.write() as tx:
        assert dead.retry(tx, [rows[0]], now=NOON)

    with store.write() as tx:
        assert not dead.retry(tx, [rows[0]], now=NOON)

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
        assert not dead.close(tx, [row], [outcome], now=NOON)
        assert not dead.retry(tx, [row], now=NOON)


def test_a_skipped_delivery_that_is_discarded_leaves_a_parked_lane_parked(store: Store) -> None:
    generation = subscribe(store, wanted(on_dead="skip"))
    land(store, "1", "2", "3")
    kill(store, generation, on_dead="skip")
    kill(store, generation, on_dead="park")
    skipped, _ = rows_of_the_dead(store, generation)
    with store.write() as tx:
        outcome = dead.outcome_row((generation, 1), state="discarded", ended_at=NOON)
        dead.close(tx, [skipped], [outcome], now=NOON)

    assert work_off(store, generation, now=NOON + HOUR) == []


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

    with rolled_back(store) as tx:
        outbox.append(tx, [a_draft("v2", supersedes="v1")], now=NOON)

    assert dead_ids(store, generation) == ["v1"]
