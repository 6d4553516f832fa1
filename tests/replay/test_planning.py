"""A replay is exactly the set that was planned, or it is nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from ingest.errors import NotFound, PlanStale
from ingest.replay import planning, waiting
from ingest.replay.planning import Request
from ingest.store import decisions as dead
from ingest.store import replays, subscriptions
from ingest.store.engine import Store
from ingest.store.replays import ReplayReport
from ingest.store.selection import Selection
from tests.store.backends import BACKENDS
from tests.store.stage import NOON, claim, complete, fill, kill, land, subscribe, wanted


@pytest.fixture(params=sorted(BACKENDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Three facts, and two processors that are through with them."""
    with BACKENDS[request.param](tmp_path) as opened:
        for key, id_ in enumerate(("first", "second", "third")):
            land(opened, id_, key=f"k{key}")
        for name in ("books", "mail"):
            generation = subscribe(opened, wanted(name))
            complete(opened, claim(opened, generation, budget=9))
        yield opened


def request(*processors: str, **selected: object) -> Request:
    return Request(processors=processors, selection=Selection(**selected))  # type: ignore[arg-type]  # as given


def plan(store: Store, wish: Request) -> planning.Planned:
    with store.read() as tx:
        return planning.plan(tx, wish)


def reports(store: Store) -> list[ReplayReport]:
    with store.read() as tx:
        return replays.reports(tx)


def generation_of(store: Store, processor: str) -> int:
    with store.read() as tx:
        generation: int = subscriptions.find(tx, processor).generation_id
    return generation


def discard_the_dead(store: Store) -> None:
    with store.write() as tx:
        dead.discard(tx, dead.undecided(tx, Selection()), who="ann", reason="no use", now=NOON)


@contextmanager
def at_each_search(do: Callable[[], object], *, only_once: bool = False) -> Iterator[None]:
    """`do` happens whenever the log is about to be searched for positions, or the first time."""
    met: list[str] = []

    def look(_: object, __: object, statement: str, *more: object) -> None:
        if statement.startswith("SELECT events.position") and not (only_once and met):
            met.append(statement)
            do()

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", look)


@contextmanager
def landing_at_each_search(store: Store) -> Iterator[list[int]]:
    """An event lands whenever the log is searched: what they were."""
    landed: list[int] = []
    with at_each_search(lambda: landed.extend(land(store, f"meanwhile-{len(landed)}"))):
        yield landed


def test_without_a_name_every_subscribed_processor_is_meant(store: Store) -> None:
    planned = plan(store, request())

    assert [each.processor for each in planned.plans] == ["books", "mail"]
    assert planned.events == 6


def test_the_same_wish_has_the_same_id_until_the_set_is_another(store: Store) -> None:
    before, again = plan(store, request("books")), plan(store, request("books"))
    other = plan(store, request("mail"))
    land(store, "fourth")

    after = plan(store, request("books"))

    assert before.id == again.id
    assert len({before.id, other.id, after.id}) == 3


def test_a_wish_that_no_longer_means_the_planned_set_is_stale_and_starts_nothing(store: Store) -> None:
    planned = plan(store, request("books"))
    land(store, "fourth")

    with pytest.raises(PlanStale):
        planning.start(store, request("books"), as_planned=planned.id, now=NOON)

    assert reports(store) == []


def test_a_plan_is_stale_when_the_processor_has_another_version(store: Store) -> None:
    planned = plan(store, request("books"))
    with store.write() as tx:
        subscriptions.register(tx, wanted("books", version="2"), now=NOON)

    with pytest.raises(PlanStale):
        planning.start(store, request("books"), as_planned=planned.id, now=NOON)


def test_what_was_planned_is_started_once_for_each_processor_that_has_something(store: Store) -> None:
    wish = request(first=2)
    planned = plan(store, wish)

    _, started = planning.start(store, wish, as_planned=planned.id, now=NOON)

    assert [each.plan.events for each in started] == [2, 2]
    assert {report.id for report in reports(store)} == {each.replay_id for each in started}
    assert {report.plan_id for report in reports(store)} == {planned.id}


def test_the_log_is_searched_while_others_write_and_what_they_add_is_not_of_the_set(
    store: Store,
) -> None:
    with landing_at_each_search(store) as landed:
        planned, [started] = planning.start(store, request("books"), now=NOON)
    fill(store)

    assert landed, "no search was met"
    assert (planned.events, started.plan.bound) == (3, 3)
    assert [report.total for report in reports(store)] == [3]


def test_what_ends_while_the_log_is_searched_is_searched_again_under_the_lock(store: Store) -> None:
    land(store, "fourth", key="bad")
    kill(store, generation_of(store, "books"))
    with at_each_search(lambda: discard_the_dead(store), only_once=True):
        planned, [started] = planning.start(store, request("books", status="dead"), now=NOON)

    assert (planned.events, started.replay_id) == (0, None)


def test_a_processor_that_changes_while_the_log_is_searched_is_asked_again(store: Store) -> None:
    changed = wanted("books", version="2", origins=("nowhere",))

    with at_each_search(lambda: subscribe(store, changed), only_once=True):
        planned, [started] = planning.start(store, request("books"), now=NOON)

    assert (planned.plans[0].version, planned.events, started.replay_id) == ("2", 0, None)


def test_a_processor_without_events_starts_nothing(store: Store) -> None:
    _, [started] = planning.start(store, request("books", first=99), now=NOON)

    assert (started.replay_id, reports(store)) == (None, [])


def test_an_event_that_was_named_must_be_there(store: Store) -> None:
    with pytest.raises(NotFound):
        plan(store, request(ids=("nowhere",)))


def test_a_processor_that_was_named_must_be_subscribed(store: Store) -> None:
    with pytest.raises(NotFound):
        plan(store, request("nobody"))


def test_whoever_waits_hears_how_far_it_is_and_gets_the_report(store: Store) -> None:
    _, [started] = planning.start(store, request("books"), now=NOON)
    assert started.replay_id is not None
    told: list[int] = []

    found = waiting.wait(
        store, [started.replay_id], stop=_Worker(store), tell=lambda all_: told.append(all_[0].done)
    )

    assert found is not None
    assert (found[0].state, found[0].done) == ("done", 3)
    assert told[0] == 0
    assert told[-1] == 3


def test_whoever_stops_waiting_gets_nothing(store: Store) -> None:
    _, [started] = planning.start(store, request("books"), now=NOON)
    assert started.replay_id is not None

    assert waiting.wait(store, [started.replay_id], stop=_Impatient(), tell=lambda _: None) is None


class _Impatient:
    """Stops at the first question."""

    def wait(self, timeout: float) -> bool:  # noqa: ARG002  # what is asked for
        return True


class _Worker:
    """Does some of the work whenever somebody waits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def wait(self, timeout: float) -> bool:  # noqa: ARG002  # what is asked for
        fill(self._store)
        with self._store.read() as tx:
            generation: int = tx.exec_driver_sql("SELECT generation_id FROM replays").scalar_one()
        complete(self._store, claim(self._store, generation))
        with self._store.write() as tx:
            replays.finish(tx, now=NOON)
        return False
