"""A replay makes exactly the planned past due again, beside live work."""

from collections.abc import Callable

import pytest

from ingest.errors import NotFound, UsageError
from ingest.store import deliveries, filling, lanes, replays, subscriptions
from ingest.store.deliveries import Failure
from ingest.store.engine import Store, Tx
from ingest.store.selection import Selection
from tests.store.replaying import ask, fill_one_window, finish, plan, report, rerun, start, workable
from tests.store.stage import (
    BUDGET,
    MINUTE,
    NOON,
    OTHER_TYPE,
    TYPE,
    a_draft,
    append,
    claim,
    complete,
    fail,
    fill,
    ids,
    land,
    subscribe,
    wanted,
    work_off,
)


@pytest.fixture
def live(store: Store) -> int:
    """Seven events under three keys, all done."""
    generation = subscribe(store)
    append(store, *(a_draft(f"{n}", key="abc"[n % 3]) for n in range(7)))
    work_off(store, generation)
    return generation


def test_a_replay_makes_the_past_due_again_in_order_and_is_done_when_all_of_it_has_ended(
    store: Store, live: int
) -> None:
    generation = start(store)
    fill(store)
    running = report(store)

    worked = work_off(store, generation, budget=2)

    assert (running.state, running.total, running.done) == ("running", 7, 0)
    assert [n for n in worked if int(n) % 3 == 0] == ["0", "3", "6"]
    assert sorted(worked) == ["0", "1", "2", "3", "4", "5", "6"]
    assert finish(store) == 1
    ended = report(store)
    assert (ended.state, ended.total, ended.done, ended.ended_at) == ("done", 7, 7, NOON + MINUTE)
    assert (ended.reason, ended.who, ended.mode, ended.plan_id) == ("why", "ann", "rerun", "p")


def test_a_replay_is_not_done_while_it_is_filled_or_anything_of_it_is_left(
    store: Store, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", 2)
    generation = start(store)
    found = [finish(store)]
    fill_one_window(store)
    found.append(finish(store))
    fill(store)
    found.append(finish(store))
    last = claim(store, generation, budget=9)
    found.append(finish(store))
    complete(store, last)

    assert found == [0, 0, 0, 0]
    assert finish(store) == 1


def test_live_work_is_neither_blocked_nor_reordered_by_a_replay(store: Store, live: int) -> None:
    replay = start(store)
    fill(store)
    land(store, "7", "8", key="a")

    in_replay = claim(store, replay, worker="w1", budget=9)
    in_live = claim(store, live, worker="w2", budget=9)

    assert len(in_replay) == 7
    assert ids(in_live) == ["7", "8"]
    assert workable(store) == []


def test_what_lands_after_the_start_is_no_part_of_the_replay(
    store: Store, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", 2)
    generation = start(store)
    fill_one_window(store)

    land(store, "late", key="a")
    fill(store)

    assert "late" not in work_off(store, generation)
    assert report(store).total == 7


@pytest.mark.parametrize("status", ["done", "dead", "retrying"])
def test_exactly_the_planned_set_is_replayed_whatever_becomes_of_it_meanwhile(
    store: Store, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", 1)
    live = subscribe(store)
    for n in range(3):
        for name in ("done", "retrying", "dead", "waiting"):
            land(store, f"{name}{n}", key=f"{name}{n}")
        done, retrying, died = claim(store, live, budget=3)
        complete(store, [done])
        fail(store, retrying)
        fail(store, died, is_permanent=True)
        (waiting,) = claim(store, live, child=99)
        assert waiting.event_id == f"waiting{n}"
    planned = plan(store, Selection(status=status))
    generation = start(store, Selection(status=status))
    fill_one_window(store)

    with store.write() as tx:
        lanes.release(tx, "w1", 99, now=NOON)
    work_off(store, live, now=NOON + MINUTE)
    fill(store)

    assert planned.events == 3
    assert sorted(work_off(store, generation)) == [f"{status}{n}" for n in range(3)]
    assert report(store).total == 3


def test_a_replay_of_dead_deliveries_when_there_are_none_replays_nothing(store: Store, live: int) -> None:
    generation = start(store, Selection(status="dead"))
    fill(store)

    assert work_off(store, generation) == []
    assert finish(store) == 1
    assert report(store).total == 0


def test_a_replay_is_filled_in_windows_and_says_how_far_it_is(
    store: Store, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", 3)
    start(store)
    found = []
    for _window in range(3):
        found.append((report(store).state, report(store).total, report(store).last_position))
        fill_one_window(store)

    assert found == [("filling", 0, None), ("filling", 3, 3), ("filling", 6, 6)]
    assert (report(store).state, report(store).total, report(store).first_position) == ("running", 7, 1)


@pytest.mark.parametrize("window", [1, 2, 3, 7, 100])
def test_a_replay_of_scattered_events_is_the_same_whatever_the_window(
    store: Store, live: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", window)

    generation = start(store, Selection(ids=("1", "2", "6"), status="done"))
    fill(store)

    assert sorted(work_off(store, generation)) == ["1", "2", "6"]


def test_a_window_that_finds_little_looks_no_further_than_a_stretch_of_the_log(
    store: Store, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "REACH", 3)
    generation = start(store, Selection(key="a"))
    found = []

    while report(store).state == "filling":
        fill_one_window(store)
        found.append(report(store).total)

    assert found == [1, 2, 3]
    assert sorted(work_off(store, generation)) == ["0", "3", "6"]


def test_nothing_of_a_paused_replay_is_claimed_and_it_goes_on_where_it_was(store: Store, live: int) -> None:
    generation = start(store)
    fill(store)
    complete(store, claim(store, generation))

    ask(store, replays.pause)
    while_paused = workable(store), report(store).state
    ask(store, replays.resume)

    assert while_paused == ([], "paused")
    assert workable(store) == [(generation, "replay")]
    assert len(work_off(store, generation)) == 6
    assert finish(store) == 1


def test_a_replay_that_is_paused_while_it_is_filled_goes_on_filling_when_it_is_resumed(
    store: Store, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", 2)
    generation = start(store)
    fill_one_window(store)

    ask(store, replays.pause)
    fill(store)
    while_paused = report(store).total
    ask(store, replays.resume)
    fill(store)

    assert while_paused == 2
    assert len(work_off(store, generation)) == report(store).total == 7


def test_a_window_that_was_read_before_the_pause_is_not_filled_after_it(store: Store, live: int) -> None:
    start(store)
    with store.read() as tx:
        (seen,) = filling.unfilled(tx)
    ask(store, replays.pause)

    with store.write() as tx:
        filling.fill_window(tx, seen, now=NOON)

    assert (report(store).state, report(store).total) == ("paused", 0)


def test_what_was_started_before_a_pause_may_end_in_it(store: Store, live: int) -> None:
    generation = start(store)
    fill(store)
    started = claim(store, generation, budget=9)

    ask(store, replays.pause)
    complete(store, started)
    paused = finish(store)
    ask(store, replays.resume)

    assert paused == 0
    assert finish(store) == 1


def cancel(tx: Tx, replay_id: str) -> None:
    replays.cancel(tx, replay_id, now=NOON + MINUTE)


def test_a_cancelled_replay_makes_nothing_due_any_more_and_what_it_did_stands(
    store: Store, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", 4)
    generation = start(store)
    fill(store)
    complete(store, claim(store, generation))

    ask(store, cancel)
    fill(store)

    assert workable(store) == []
    ended = report(store)
    assert (ended.state, ended.done, ended.ended_at) == ("cancelled", 1, NOON + MINUTE)
    assert finish(store) == 0


@pytest.mark.parametrize(
    ("before", "what"),
    [
        ([cancel], replays.pause),
        ([cancel], replays.resume),
        ([cancel], cancel),
    ],
)
def test_what_cannot_be_asked_of_a_replay_is_refused(
    store: Store, live: int, before: list[Callable[[Tx, str], object]], what: Callable[[Tx, str], object]
) -> None:
    start(store)
    for step in before:
        ask(store, step)

    with pytest.raises(UsageError, match="r1"):
        ask(store, what)


def test_a_replay_that_is_not_there_is_not_found(store: Store) -> None:
    with store.read() as tx, pytest.raises(NotFound, match="'r9'"):
        replays.reports(tx, "r9")
    with pytest.raises(NotFound, match="'r9'"):
        ask(store, replays.pause, "r9")


def test_a_replay_is_of_what_its_processor_took_when_it_was_asked_for(store: Store, live: int) -> None:
    append(store, a_draft("other", key="a", type_=OTHER_TYPE))
    generation = start(store)
    with store.write() as tx:
        subscriptions.register(tx, wanted(accepts=(TYPE, OTHER_TYPE)), now=NOON)

    fill(store)

    assert "other" not in work_off(store, generation)
    assert report(store).total == 7


def test_the_counts_of_a_report_add_up_whatever_became_of_each_event(store: Store, live: int) -> None:
    generation = start(store)
    fill(store)
    rerun(store, claim(store, generation)[0], "changed")
    fail(store, claim(store, generation)[0], is_permanent=True)
    (superseded,) = claim(store, generation)
    append(store, a_draft("next", key="z", supersedes=superseded.event_id))
    fail(store, superseded, is_permanent=True)
    (lost,) = claim(store, generation)
    failure = Failure(held=lost, started_at=NOON, error="gone", is_permanent=True, is_unreplayable=True)
    with store.write() as tx:
        deliveries.fail(tx, failure, budget=BUDGET, on_dead="park", jitter=0, worker="w1", now=NOON)
    ask(store, cancel)

    found = report(store)

    ended = (found.unchanged, found.repaired, found.changed, found.dead, found.superseded, found.unreplayable)
    assert ended == (0, 0, 1, 1, 1, 1)
    assert (found.total, found.done) == (7, sum(ended))
