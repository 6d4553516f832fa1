"""Who lives, who has gone, and what the gone ones leave behind."""

from collections.abc import Callable
from datetime import datetime

import pytest

from ingest.store import lanes, workers
from ingest.store.engine import Store
from ingest.store.workers import Worker
from tests.store.stage import MINUTE, NOON, SECOND, claim, ids, land, subscribe

LEASE = 30 * SECOND


def nobody(_id: str, _host: str) -> bool:
    return False


def enlist(store: Store, id_: str, *, kind: str = "worker", host: str = "here", now: datetime = NOON) -> None:
    with store.write() as tx:
        one = Worker(id=id_, kind=kind, host=host, pid=7, settings="s")
        workers.enlist(tx, one, lease=LEASE, now=now)


def beat(store: Store, id_: str, *, now: datetime, state: str = "active") -> bool:
    with store.write() as tx:
        return workers.beat(tx, id_, lease=LEASE, now=now, state=state)


def gone(store: Store, *, now: datetime, is_dead: Callable[[str, str], bool] = nobody) -> list[str]:
    with store.read() as tx:
        return workers.gone(tx, is_dead=is_dead, now=now)


def bury(store: Store, id_: str) -> bool:
    with store.write() as tx:
        return workers.bury_worker(tx, id_)


def living(store: Store, kind: str = "worker") -> list[tuple[str, str, datetime]]:
    with store.read() as tx:
        return [(row.id, row.state, row.lease_until) for row in workers.live(tx, kind)]


def test_a_worker_that_enlists_lives_until_its_lease_has_run_out(store: Store) -> None:
    enlist(store, "w1")

    assert living(store) == [("w1", "active", NOON + LEASE)]
    assert gone(store, now=NOON + LEASE) == []
    assert gone(store, now=NOON + LEASE + SECOND) == ["w1"]


def test_a_beat_extends_the_lease_and_tells_the_state(store: Store) -> None:
    enlist(store, "w1")

    assert beat(store, "w1", now=NOON + 10 * SECOND, state="stopping")

    assert living(store) == [("w1", "stopping", NOON + 10 * SECOND + LEASE)]
    assert gone(store, now=NOON + LEASE + SECOND) == []


def test_a_worker_that_is_proved_dead_is_gone_at_once(store: Store) -> None:
    enlist(store, "w1", host="here")
    enlist(store, "w2", host="there")

    assert gone(store, now=NOON, is_dead=lambda id_, host: (id_, host) == ("w2", "there")) == ["w2"]


def test_a_worker_is_buried_once(store: Store) -> None:
    enlist(store, "w1")

    assert [bury(store, "w1"), bury(store, "w1")] == [True, False]
    assert living(store) == []
    assert gone(store, now=NOON + MINUTE) == []


def test_a_worker_that_was_buried_learns_so_at_its_next_beat_and_stays_buried(store: Store) -> None:
    enlist(store, "w1")
    bury(store, "w1")

    assert not beat(store, "w1", now=NOON)
    assert living(store) == []


def test_a_worker_nobody_knows_cannot_beat_or_be_buried(store: Store) -> None:
    assert not beat(store, "w9", now=NOON)
    assert not bury(store, "w9")


def test_a_worker_that_retires_gives_back_what_it_held_at_no_charge(store: Store) -> None:
    generation = subscribe(store)
    enlist(store, "w1")
    land(store, "1")
    claim(store, generation, worker="w1")

    with store.write() as tx:
        workers.retire(tx, "w1", now=NOON)

    (again,) = claim(store, generation, worker="w2")
    assert (again.event_id, again.failures) == ("1", 0)
    assert living(store) == []
    assert not bury(store, "w1")


def test_a_worker_that_was_buried_first_does_not_count_as_stopped_when_it_retires(store: Store) -> None:
    generation = subscribe(store)
    enlist(store, "w1")
    land(store, "1")
    claim(store, generation, worker="w1")
    with store.write() as tx:
        workers.bury_worker(tx, "w1")
        lanes.release(tx, "w1", now=NOON)
    taken = claim(store, generation, worker="w2")

    with store.write() as tx:
        workers.retire(tx, "w1", now=NOON)

    assert ids(taken) == ["1"]
    assert claim(store, generation, worker="w3") == []


def test_workers_and_watchers_are_told_apart_and_listed_oldest_first(store: Store) -> None:
    enlist(store, "w2", now=NOON + SECOND)
    enlist(store, "w1", now=NOON + 2 * SECOND)
    enlist(store, "v1", kind="watcher")

    assert [id_ for id_, _, _ in living(store)] == ["w2", "w1"]
    assert [id_ for id_, _, _ in living(store, "watcher")] == ["v1"]


def test_an_id_is_never_used_again(store: Store) -> None:
    enlist(store, "w1")
    bury(store, "w1")

    with pytest.raises(Exception, match=r"(?i)unique"):
        enlist(store, "w1")
