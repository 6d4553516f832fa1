"""A replay makes exactly the planned past due again, beside live work, and reports what it found."""

from collections.abc import Callable

import pytest

from ingest.errors import NotFound, UsageError
from ingest.store import dead, deliveries, filling, lanes, replays, subscriptions, waiting
from ingest.store.deliveries import Outcome
from ingest.store.engine import Store
from ingest.store.held import Held
from ingest.store.replays import Plan, Report
from ingest.store.selection import Selection
from tests.store.stage import (
    MINUTE,
    NOON,
    OTHER_TYPE,
    SECOND,
    a_draft,
    append,
    claim,
    complete,
    dead_ids,
    fail,
    fill,
    ids,
    kill,
    land,
    states,
    subscribe,
    wanted,
    work_off,
)

ALL = Selection()


@pytest.fixture
def live(store: Store) -> int:
    """Seven events under three keys, all done."""
    generation = subscribe(store)
    append(store, *(a_draft(f"{n}", key="abc"[n % 3]) for n in range(7)))
    work_off(store, generation)
    return generation


def plan(store: Store, selection: Selection = ALL, processor: str = "books") -> Plan:
    with store.write() as tx:
        return replays.plan(tx, processor, selection)


def start(store: Store, selection: Selection = ALL, *, replay_id: str = "r1") -> int:
    """The replay is planned and started; its generation."""
    with store.write() as tx:
        planned = replays.plan(tx, "books", selection)
        replays.start(
            tx, planned, replay_id=replay_id, plan_id="p", mode="rerun", reason="why", who="ann", now=NOON
        )
        return max(left.generation_id for left in filling.unfilled(tx))


def fill_one_window(store: Store) -> None:
    with store.write() as tx:
        filling.fill_window(tx, filling.unfilled(tx)[0], now=NOON)


def ask(store: Store, what: Callable[..., object], replay_id: str = "r1", **more: object) -> None:
    with store.write() as tx:
        what(tx, replay_id, **more)


def finish(store: Store) -> int:
    with store.write() as tx:
        found = replays.is_finishable(tx)
        finished = replays.finish(tx, now=NOON + MINUTE)
    assert found == bool(finished)
    return finished


def report(store: Store, replay_id: str = "r1") -> Report:
    with store.read() as tx:
        (found,) = replays.reports(tx, replay_id)
    return found


def workable(store: Store) -> list[tuple[int, str]]:
    with store.read() as tx:
        return [(one.generation_id, one.kind) for one in lanes.due(tx, now=NOON).now]


def rerun(store: Store, one: Held, verdict: str) -> None:
    """A delivery of a replay is done with this verdict; a dead one in live work is closed by it."""
    with store.write() as tx:
        done = Outcome(held=one, started_at=NOON, version="1", verdict=verdict)
        deliveries.complete(tx, [done], worker="w1", now=NOON)
        lanes.leave(tx, [one.lane], now=NOON)
        live = subscriptions.find(tx, "books").generation_id
        closed = dead.outcome_row((live, one.position), state="done", ended_at=NOON)
        dead.resolve(tx, live, one.position, closed, now=NOON)


# ---------------------------------------------------------------- plans


def test_a_plan_says_what_it_would_make_due_and_changes_nothing(store: Store, live: int) -> None:
    planned = plan(store, Selection(key="a"))

    assert (planned.events, planned.first_position, planned.last_position, planned.bound) == (3, 1, 7, 7)
    assert (planned.processor, planned.version) == ("books", "1")
    assert workable(store) == []


def test_a_plan_of_nothing_has_no_positions(store: Store, live: int) -> None:
    planned = plan(store, Selection(key="nobody"))

    assert (planned.events, planned.first_position, planned.last_position) == (0, None, None)


def test_only_what_concerns_the_processor_is_planned(store: Store, live: int) -> None:
    append(store, a_draft("x", type_=OTHER_TYPE))

    assert plan(store).events == 7


def test_a_processor_that_is_not_subscribed_cannot_be_replayed(store: Store) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        plan(store, processor="nobody")


def plan_id(store: Store, selection: Selection = ALL, mode: str = "rerun") -> str:
    return replays.plan_id([plan(store, selection)], mode)


def test_a_plan_keeps_its_id_as_long_as_it_means_the_same_set(store: Store, live: int) -> None:
    before = plan_id(store, Selection(key="a"))

    land(store, "of another key", key="z")
    append(store, a_draft("of another type", key="a", type_=OTHER_TYPE))

    assert plan_id(store, Selection(key="a")) == before


def test_a_plan_has_another_id_when_the_set_the_criteria_the_version_or_the_mode_is_another(
    store: Store, live: int
) -> None:
    found = [plan_id(store, Selection(key="a")), plan_id(store, Selection(key="a"), "shadow")]
    found.append(plan_id(store, Selection(key="a", first=1)))
    land(store, "new", key="a")
    found.append(plan_id(store, Selection(key="a")))
    with store.write() as tx:
        subscriptions.register(tx, wanted(version="2"), now=NOON)
    found.append(plan_id(store, Selection(key="a")))

    assert len(set(found)) == len(found)


def test_a_set_of_the_same_size_is_not_the_same_set(store: Store) -> None:
    generation = subscribe(store)
    land(store, "a", key="a")
    land(store, "b", key="b")
    (first,) = claim(store, generation)
    complete(store, [first])
    while_first = plan_id(store, Selection(status="retrying"))
    (second,) = claim(store, generation)
    fail(store, second)

    assert while_first != plan_id(store, Selection(status="retrying"))


# ---------------------------------------------------------------- the course of a replay


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


# ---------------------------------------------------------------- pause, resume, cancel


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


def test_a_cancelled_replay_makes_nothing_due_any_more_and_what_it_did_stands(
    store: Store, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", 4)
    generation = start(store)
    fill(store)
    complete(store, claim(store, generation))

    ask(store, replays.cancel, now=NOON + MINUTE)
    fill(store)

    assert workable(store) == []
    ended = report(store)
    assert (ended.state, ended.done, ended.ended_at) == ("cancelled", 1, NOON + MINUTE)
    assert finish(store) == 0


@pytest.mark.parametrize(
    ("before", "what"),
    [
        ([], replays.resume),
        ([replays.pause], replays.pause),
        ([replays.cancel], replays.pause),
        ([replays.cancel], replays.resume),
        ([replays.cancel], replays.cancel),
    ],
)
def test_what_cannot_be_asked_of_a_replay_is_refused(
    store: Store, live: int, before: list[Callable[..., object]], what: Callable[..., object]
) -> None:
    start(store)
    for step in before:
        ask(store, step, **({"now": NOON} if step is replays.cancel else {}))

    with pytest.raises(UsageError, match="r1"):
        ask(store, what, **({"now": NOON} if what is replays.cancel else {}))


def test_a_replay_that_is_not_there_is_not_found(store: Store) -> None:
    with store.read() as tx, pytest.raises(NotFound, match="'r9'"):
        replays.reports(tx, "r9")
    with pytest.raises(NotFound, match="'r9'"):
        ask(store, replays.pause, "r9")


# ---------------------------------------------------------------- verdicts


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
        (dead_one,) = waiting.waiting(tx, Selection())
        waiting.retry(tx, dead_one, who="ann", reason="again", now=NOON)
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
        subscriptions.remove(tx, "books")

    assert workable(store) == []
    assert report(store).state == "cancelled"


def test_a_paused_processor_is_not_replayed_either(store: Store, live: int) -> None:
    start(store)
    fill(store)

    with store.write() as tx:
        subscriptions.set_state(tx, "books", "paused", now=NOON)

    assert workable(store) == []
