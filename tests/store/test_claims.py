"""A lane is claimed by one worker at a time, and a commit that comes too late is refused."""

import pytest
from sqlalchemy import select

from ingest.errors import ClaimLost
from ingest.store import held, lanes
from ingest.store.engine import Store
from ingest.store.held import Held
from ingest.store.lanes import Workable
from ingest.store.schema import lanes as lane_table
from tests.store.stage import (
    MINUTE,
    NOON,
    SECOND,
    a_draft,
    append,
    claim,
    complete,
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


@pytest.fixture
def generation(store: Store) -> int:
    return subscribe(store)


def fence_of(store: Store, one: Held) -> int:
    with store.read() as tx:
        return tx.execute(select(lane_table.c.fence).where(lane_table.c.id == one.lane.id)).scalar_one()


def release(store: Store, worker: str = "w1", child: int | None = None) -> int:
    with store.write() as tx:
        return lanes.release(tx, worker, child, now=NOON)


def test_a_leased_lane_is_not_claimed_twice(store: Store, generation: int) -> None:
    land(store, "1", "2")

    first, second = claim(store, generation, worker="w1"), claim(store, generation, worker="w2", budget=9)

    assert (ids(first), second) == (["1"], [])


def test_the_budget_of_a_claim_is_shared_among_its_lanes(store: Store, generation: int) -> None:
    for key in "abc":
        land(store, *(f"{key}{n}" for n in range(5)), key=key)

    started = claim(store, generation, budget=6)

    assert ids(started) == ["a0", "a1", "b0", "b1", "c0", "c1"]


def test_a_claim_takes_no_more_lanes_than_its_budget(store: Store, generation: int) -> None:
    for key in "abc":
        land(store, f"{key}0", f"{key}1", key=key)

    assert ids(claim(store, generation, budget=2)) == ["a0", "b0"]


def test_what_has_waited_longest_is_claimed_first(store: Store, generation: int) -> None:
    land(store, "late", key="a", now=NOON + 2 * SECOND)
    land(store, "early", key="b", now=NOON)
    land(store, "middle", key="c", now=NOON + SECOND)

    assert ids(claim(store, generation, budget=3, now=NOON + MINUTE)) == ["early", "middle", "late"]


def test_a_lane_with_work_left_queues_behind_those_that_wait(store: Store, generation: int) -> None:
    land(store, "a1", "a2", key="a", now=NOON)
    land(store, "b1", key="b", now=NOON + SECOND)

    complete(store, claim(store, generation), now=NOON + 2 * SECOND)

    assert ids(claim(store, generation, now=NOON + MINUTE)) == ["b1"]


def test_a_lane_whose_time_has_not_come_is_not_claimed(store: Store, generation: int) -> None:
    land(store, "1", now=NOON + SECOND)

    assert claim(store, generation, now=NOON) == []
    assert ids(claim(store, generation, now=NOON + SECOND)) == ["1"]


def test_every_claim_and_every_reap_bumps_the_fence(store: Store, generation: int) -> None:
    land(store, "1")
    fences = []

    for _ in range(2):
        (one,) = claim(store, generation)
        fences.append(fence_of(store, one))
        reap(store)
        fences.append(fence_of(store, one))

    assert fences == [1, 2, 3, 4]


def test_a_new_event_in_a_leased_lane_does_not_disturb_the_claim(store: Store, generation: int) -> None:
    land(store, "1")
    started = claim(store, generation)

    land(store, "2")
    complete(store, started)

    assert work_off(store, generation) == ["2"]
    assert states(store, generation) == {"1": "done", "2": "done"}


def test_only_what_was_started_is_fetched_even_when_more_arrives(store: Store, generation: int) -> None:
    land(store, "1")
    started = claim(store, generation, budget=8)
    land(store, "2", "3")

    complete(store, started)

    assert states(store, generation) == {"1": "done"}
    assert work_off(store, generation) == ["2", "3"]


def test_a_worker_that_outslept_its_lease_cannot_complete_a_delivery(store: Store, generation: int) -> None:
    land(store, "1")
    asleep = claim(store, generation, worker="w1")
    reap(store, worker="w1")
    taken = claim(store, generation, worker="w2")

    with pytest.raises(ClaimLost):
        complete(store, asleep, worker="w1")
    complete(store, taken, worker="w2")

    assert states(store, generation) == {"1": "done"}


def test_a_worker_that_outslept_its_lease_cannot_fail_a_delivery(store: Store, generation: int) -> None:
    land(store, "1")
    (asleep,) = claim(store, generation, worker="w1")
    reap(store, worker="w1")

    with pytest.raises(ClaimLost):
        fail(store, asleep)

    assert ids(claim(store, generation, worker="w2")) == ["1"]


def test_a_worker_that_outslept_its_lease_cannot_complete_what_another_has_done_meanwhile(
    store: Store, generation: int
) -> None:
    land(store, "1", "2")
    asleep = claim(store, generation, worker="w1")
    reap(store, worker="w1")
    work_off(store, generation)

    with pytest.raises(ClaimLost):
        complete(store, asleep, worker="w1")

    assert states(store, generation) == {"1": "done", "2": "done"}


def test_one_lost_claim_rolls_back_all_that_would_have_been_committed_with_it(
    store: Store, generation: int
) -> None:
    land(store, "a", key="a")
    land(store, "b", key="b")
    both = claim(store, generation, budget=2)
    with store.write() as tx:
        lanes.release(tx, "w1", now=NOON)
    (again,) = claim(store, generation, worker="w2")

    with pytest.raises(ClaimLost):
        complete(store, both)

    assert states(store, generation) == {}
    assert again.event_id == "a"


def test_a_fence_of_the_same_worker_that_is_out_of_date_is_lost_too(store: Store, generation: int) -> None:
    land(store, "1")
    before = claim(store, generation, worker="w1")
    release(store)
    claim(store, generation, worker="w1")

    with pytest.raises(ClaimLost):
        complete(store, before, worker="w1")


def test_what_is_still_held_is_told_from_what_was_lost(store: Store, generation: int) -> None:
    land(store, "a", key="a")
    land(store, "b", key="b")
    mine = [one.lane for one in claim(store, generation, child=1)]
    lost = [one.lane for one in claim(store, generation, child=2)]
    release(store, child=2)

    with store.read() as tx:
        assert lanes.still_held(tx, [*lost, *mine]) == mine


def test_a_claim_that_has_ended_cannot_end_again(store: Store, generation: int) -> None:
    land(store, "1", "2")
    started = claim(store, generation)
    complete(store, started)

    with store.write() as tx:
        lanes.leave(tx, [one.lane for one in started], now=NOON + MINUTE)
        lanes.wait(tx, started[0].lane, until=NOON + MINUTE)

    assert ids(claim(store, generation, now=NOON)) == ["2"]


def test_releasing_a_child_gives_back_its_lanes_and_no_others(store: Store, generation: int) -> None:
    for key in "abc":
        land(store, key, key=key)
    claim(store, generation, worker="w1", child=1)
    claim(store, generation, worker="w1", child=2)
    claim(store, generation, worker="w2", child=1)

    assert release(store, "w1", child=1) == 1
    assert ids(claim(store, generation, worker="w3", budget=9)) == ["a"]


def test_releasing_a_worker_gives_back_all_its_lanes_once(store: Store, generation: int) -> None:
    for key in "abc":
        land(store, key, key=key)
    claim(store, generation, worker="w1", child=1)
    claim(store, generation, worker="w1", child=2)
    claim(store, generation, worker="w2", child=1)

    assert [release(store), release(store)] == [2, 0]
    assert ids(claim(store, generation, worker="w3", budget=9)) == ["a", "b"]


def test_a_release_costs_a_delivery_nothing(store: Store, generation: int) -> None:
    land(store, "1")
    for _ in range(5):
        claim(store, generation)
        release(store)

    (one,) = claim(store, generation)

    assert (one.attempts, one.crashes) == (0, 0)


def test_lanes_that_others_lease_are_counted(store: Store, generation: int) -> None:
    land(store, "a", key="a")
    land(store, "b", key="b")
    claim(store, generation, worker="w1")
    claim(store, generation, worker="w2")

    with store.read() as tx:
        assert [lanes.leased_elsewhere(tx, worker) for worker in ("w1", "w2", "w3")] == [1, 1, 2]


def test_deliveries_are_fetched_lane_by_lane_in_their_order_with_the_events_they_deliver(
    store: Store, generation: int
) -> None:
    land(store, "b1", "b2", key="b")
    land(store, "a1", "a2", key="a")
    with store.write() as tx:
        claimed = lanes.claim(tx, generation, worker="w1", child=1, budget=4, now=NOON)
        found = held.fetch(tx, list(reversed(claimed)))

    assert ids(found) == ["a1", "a2", "b1", "b2"]
    assert [(one.keyseq, one.origin, one.content, one.failures) for one in found[:2]] == [
        (1, "acme", None, 0),
        (2, "acme", None, 0),
    ]
    assert found[0].body == a_draft("a1", key="a").body


def test_what_is_due_now_and_the_next_moment_at_which_more_is(store: Store, generation: int) -> None:
    other = subscribe(store, wanted("mail", start="now"))
    land(store, "1")
    (one,) = claim(store, generation)
    fail(store, one, now=NOON)

    with store.read() as tx:
        found = lanes.due(tx, now=NOON)
        of_books = lanes.due(tx, processors=["books"], now=NOON)

    assert found.now == (Workable(generation_id=other, processor="mail", kind="live"),)
    assert found.next_at == of_books.next_at == NOON + MINUTE
    assert of_books.now == ()


def test_nothing_is_due_in_an_idle_store(store: Store, generation: int) -> None:
    land(store, "1")
    work_off(store, generation)

    with store.read() as tx:
        assert lanes.due(tx, now=NOON) == lanes.Due(now=(), next_at=None)


def test_a_parked_lane_slows_no_other(store: Store, generation: int) -> None:
    for n in range(20):
        land(store, f"p{n}", key=f"p{n}")
        kill(store, generation)
    land(store, "1", key="healthy")

    assert ids(claim(store, generation, budget=9)) == ["1"]


def test_a_lane_that_is_empty_is_gone_and_its_id_never_comes_back(store: Store, generation: int) -> None:
    land(store, "1")
    (first,) = claim(store, generation)
    complete(store, [first])
    land(store, "2")
    (second,) = claim(store, generation)

    assert second.lane.id > first.lane.id


def test_the_order_of_a_key_holds_whatever_else_is_claimed(store: Store, generation: int) -> None:
    append(store, *(a_draft(f"{n}", key="ab"[n % 2]) for n in range(12)))

    worked = work_off(store, generation, budget=5)

    assert [n for n in worked if int(n) % 2] == ["1", "3", "5", "7", "9", "11"]
    assert [n for n in worked if not int(n) % 2] == ["0", "2", "4", "6", "8", "10"]
