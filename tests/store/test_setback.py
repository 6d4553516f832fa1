"""A wall clock that was set back makes nothing wait and nobody immortal."""

from datetime import timedelta

import pytest

from ingest.domain.retry import Budget
from ingest.store import lanes, setback, workers
from ingest.store.engine import Store
from ingest.store.workers import Worker
from tests.store.stage import MINUTE, NOON, SECOND, claim, fail, ids, land, subscribe

HOUR = timedelta(hours=1)
LEASE = 30 * SECOND
CAP = 15 * MINUTE
BEFORE = NOON - HOUR  # what the clock says once it was set back


@pytest.fixture
def generation(store: Store) -> int:
    return subscribe(store)


def catch_up(store: Store) -> int:
    with store.write() as tx:
        return setback.catch_up(tx, longest=CAP, lease=LEASE, now=BEFORE)


def test_what_arrived_before_the_clock_was_set_back_is_due_at_once(store: Store, generation: int) -> None:
    land(store, "1")
    assert claim(store, generation, now=BEFORE) == []

    assert catch_up(store) == 1

    assert ids(claim(store, generation, now=BEFORE)) == ["1"]


def test_a_retry_waits_no_longer_than_its_longest_wait(store: Store, generation: int) -> None:
    land(store, "1")
    [one] = claim(store, generation)
    fail(store, one, budget=Budget(base=CAP, cap=CAP), jitter=1.0)

    assert catch_up(store) == 1

    assert ids(claim(store, generation, now=BEFORE)) == ["1"]


def test_a_retry_that_waits_as_it_should_goes_on_waiting(store: Store, generation: int) -> None:
    land(store, "1", now=BEFORE)
    [one] = claim(store, generation, now=BEFORE)
    fail(store, one, budget=Budget(base=MINUTE, cap=CAP), jitter=1.0, now=BEFORE)

    assert catch_up(store) == 0

    with store.read() as tx:
        assert lanes.due(tx, now=BEFORE).next_at == BEFORE + MINUTE


def test_no_lease_outlives_the_clock_it_was_given_by(store: Store) -> None:
    with store.write() as tx:
        one = Worker(id="w1", kind="worker", host="elsewhere", pid=7, settings="s")
        workers.enlist(tx, one, lease=LEASE, now=NOON)

    catch_up(store)

    with store.read() as tx:
        gone = workers.gone(tx, is_dead=lambda _id, _host: False, now=BEFORE + LEASE + SECOND)
    assert gone == ["w1"]
