"""Transactions that meet on a server: what one waits for, and what each finds then.

Nothing here is left to chance: the one that is to wait is known to wait, for
the server says so, before the other goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select, text

from ingest.errors import ClaimLost, Contended
from ingest.store import deliveries, filling, lanes, outbox, subscriptions, workers
from ingest.store.dialect import enter_landing, freeze_log
from ingest.store.engine import Store, Tx, beside_others
from ingest.store.reading import browsing
from ingest.store.schema import deliveries as delivery_table
from ingest.store.schema import events
from ingest.store.schema import lanes as lane_table
from tests.patience import PATIENCE
from tests.store.stage import (
    NOON,
    a_draft,
    append,
    claim,
    complete,
    fill,
    land,
    outcome,
    subscribe,
    wanted,
    work_off,
)


class Meeting:
    """A transaction in a thread of its own: it has done its part, and ends when it is told to."""

    def __init__(self, store: Store, part: Callable[[Tx], Any]) -> None:
        self._store, self._part = store, part
        self._did, self._may_end = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self.future: Future[Any] = self._pool.submit(self._run)

    def did(self) -> None:
        """Its part is done, and its transaction is open."""
        assert self._did.wait(PATIENCE)

    def waits(self) -> None:
        """It is held up by a lock of another one."""
        deadline = time.monotonic() + PATIENCE
        while not _held_up(self._store):
            assert not self.future.done(), self.future.result()
            assert time.monotonic() < deadline, "nobody waits"

    def end(self) -> Any:
        """It commits; what its part came to."""
        self._may_end.set()
        try:
            return self.future.result(PATIENCE)
        finally:
            self._pool.shutdown()

    def _run(self) -> Any:
        with self._store.write() as tx:
            found = self._part(tx)
            self._did.set()
            assert self._may_end.wait(PATIENCE)
            return found


@contextmanager
def open_(store: Store, part: Callable[[Tx], Any]) -> Iterator[Meeting]:
    """A transaction that has done its part and is not committed yet."""
    one = Meeting(store, part)
    one.did()
    yield one
    one.end()


def held_up(store: Store, part: Callable[[Tx], Any]) -> Meeting:
    """A transaction whose part is held up by another one; it ends as soon as it can."""
    one = Meeting(store, part)
    one._may_end.set()
    one.waits()
    return one


def _held_up(store: Store) -> bool:
    with store.read() as tx:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(tx.execute(waiting).scalar_one())


def chain(store: Store, key: str) -> list[tuple[str, int]]:
    found = select(events.c.id, events.c.keyseq).where(events.c.key == key).order_by(events.c.keyseq)
    with store.read() as tx:
        return [(row.id, row.keyseq) for row in tx.execute(found)]


def appends(*ids: str, key: str = "k") -> Callable[[Tx], Any]:
    return lambda tx: outbox.append(tx, [a_draft(id_, key=key) for id_ in ids], now=NOON)


def test_two_that_append_under_a_new_key_follow_one_another(store: Store) -> None:
    with open_(store, appends("1", "2")):
        second = held_up(store, appends("3"))
    second.end()

    assert chain(store, "k") == [("1", 1), ("2", 2), ("3", 3)]


def test_an_event_that_two_append_at_once_stands_once(store: Store) -> None:
    with open_(store, appends("1")):
        second = held_up(store, appends("1", "2"))

    assert second.end()[0] is None
    assert chain(store, "k") == [("1", 1), ("2", 2)]


def test_one_that_appends_under_another_key_waits_for_nobody(store: Store) -> None:
    with open_(store, appends("1", key="a")):
        land(store, "2", key="b")

    assert chain(store, "a") + chain(store, "b") == [("1", 1), ("2", 1)]


def test_a_processor_that_is_registered_during_an_append_gets_its_event_once(store: Store) -> None:
    def register(tx: Tx) -> None:
        subscriptions.register(tx, wanted(), now=NOON)

    with open_(store, appends("1")):
        registration = held_up(store, register)
    registration.end()
    land(store, "2")
    fill(store)

    with store.read() as tx:
        generation = subscriptions.find(tx, "books").generation_id
    assert work_off(store, generation) == ["1", "2"]


def test_an_event_that_is_appended_during_a_registration_is_due_once(store: Store) -> None:
    land(store, "1")
    with open_(store, lambda tx: subscriptions.register(tx, wanted(), now=NOON)):
        second = held_up(store, appends("2"))
    second.end()
    fill(store)

    with store.read() as tx:
        generation = subscriptions.find(tx, "books").generation_id
    assert work_off(store, generation) == ["1", "2"]


def test_no_event_comes_to_stand_below_the_end_of_a_log_that_was_frozen(store: Store) -> None:
    land(store, "1")
    with open_(store, freeze_log) as frozen:
        later = held_up(store, appends("2", key="other"))
        with store.read() as tx:
            head = tx.execute(text("SELECT last_value FROM events_position_seq")).scalar_one()
        assert head == 1, "it takes no position before it may append"
        frozen.end()
    assert later.end() == [2]


def test_one_registration_waits_for_another_of_the_same_processor(store: Store) -> None:
    def register(tx: Tx) -> bool:
        return subscriptions.register(tx, wanted(), now=NOON)

    with open_(store, register):
        second = held_up(store, register)

    assert second.end() is False, "it finds what the first one made"


def test_landings_are_one_at_a_time(store: Store) -> None:
    with open_(store, enter_landing):
        second = held_up(store, enter_landing)
    second.end()


def test_a_lane_that_is_appended_to_while_it_is_left_is_not_lost(store: Store) -> None:
    generation = subscribe(store)
    land(store, "1")
    (one,) = claim(store, generation)
    with store.write() as tx:  # its outcome stands; the lane is left in a later transaction
        deliveries.complete(tx, [outcome(one)], worker="w1", now=NOON)

    with open_(store, appends("2")):
        leaving = held_up(store, lambda tx: lanes.leave(tx, [one.lane], now=NOON))
    leaving.end()

    assert work_off(store, generation) == ["2"]


def test_an_event_that_is_appended_while_its_lane_goes_away_gets_a_new_one(store: Store) -> None:
    generation = subscribe(store)
    land(store, "1")
    (one,) = claim(store, generation)

    def complete_it(tx: Tx) -> None:
        lanes.prove(tx, [one.lane])
        deliveries.complete(tx, [outcome(one)], worker="w1", now=NOON)
        lanes.leave(tx, [one.lane], now=NOON)

    with open_(store, complete_it):
        appending = held_up(store, appends("2"))
    appending.end()

    assert work_off(store, generation) == ["2"]
    with store.read() as tx:
        assert tx.execute(select(delivery_table)).all() == []
        assert tx.execute(select(lane_table)).all() == []


def test_two_claims_at_once_share_no_lane_and_wait_for_nobody(store: Store) -> None:
    generation = subscribe(store)
    for key in "abcd":
        land(store, key, key=key)
    taken: list[list[str]] = []

    def take(tx: Tx) -> None:
        found = lanes.claim(tx, generation, worker="w1", child=1, budget=2, now=NOON)
        taken.append([lane.key for lane in found])

    with open_(store, take), open_(store, take), open_(store, take):
        pass

    assert taken == [["a", "b"], ["c", "d"], []]


def test_a_worker_that_was_fenced_while_it_completed_writes_nothing(store: Store) -> None:
    generation = subscribe(store)
    land(store, "1")
    (one,) = claim(store, generation)

    with open_(store, lambda tx: lanes.release(tx, "w1", now=NOON)):
        late = held_up(store, lambda tx: lanes.prove(tx, [one.lane]))

    with pytest.raises(ClaimLost):
        late.end()
    complete(store, claim(store, generation, worker="w2"))


def test_a_worker_is_buried_once(store: Store) -> None:
    one = workers.Worker(id="w1", kind="worker", host="h", pid=1)
    with store.write() as tx:
        workers.enlist(tx, one, lease=NOON - NOON, now=NOON)

    with open_(store, lambda tx: workers.bury_worker(tx, "w1")):
        second = held_up(store, lambda tx: workers.bury_worker(tx, "w1"))

    assert second.end() is False


def test_a_window_is_filled_once(store: Store) -> None:
    land(store, "1", "2")
    with store.write() as tx:
        subscriptions.register(tx, wanted(), now=NOON)
    with store.read() as tx:
        [fill_] = filling.unfilled(tx)

    with open_(store, lambda tx: filling.fill_window(tx, fill_, now=NOON)):
        second = held_up(store, lambda tx: filling.fill_window(tx, fill_, now=NOON))
    second.end()

    with store.read() as tx:
        assert len(tx.execute(select(delivery_table)).all()) == 2


def test_of_two_that_lock_one_another_out_one_does_it_again(store: Store) -> None:
    append(store, a_draft("1", key="a"), a_draft("2", key="b"))
    met = threading.Barrier(2)
    first_time = threading.local()

    def cross(first: str, second: str) -> None:
        def step() -> None:
            with store.write() as tx:
                outbox.lock_keys(tx, [first])
                if not getattr(first_time, "is_over", False):
                    first_time.is_over = True
                    met.wait(PATIENCE)
                outbox.lock_keys(tx, [second])

        beside_others(step)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(cross, "a", "b"), pool.submit(cross, "b", "a")]:
            done.result(PATIENCE)


def test_who_is_locked_out_time_after_time_is_told_so(store: Store) -> None:
    def step() -> None:
        raise Contended("no")

    with pytest.raises(Contended):
        beside_others(step)


def test_who_follows_the_log_waits_for_an_event_whose_position_was_given_out_before(store: Store) -> None:
    with open_(store, appends("1", key="a")) as early:
        land(store, "2", key="b")
        pool = ThreadPoolExecutor(1)
        followed = pool.submit(browsing.settled, store)
        deadline = time.monotonic() + PATIENCE
        while not _held_up(store):
            assert time.monotonic() < deadline, "it did not wait"
        early.end()

    assert followed.result(PATIENCE) == 2
    pool.shutdown()
