"""A plan names exactly the set of events that a replay would make due."""

import pytest

from ingest.errors import NotFound
from ingest.store import replays, subscriptions
from ingest.store.engine import Store
from ingest.store.selection import Selection
from tests.store.replaying import ALL, plan, workable
from tests.store.stage import (
    MINUTE,
    NOON,
    OTHER_TYPE,
    a_draft,
    append,
    claim,
    complete,
    fail,
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


def plan_id(store: Store, selection: Selection = ALL, mode: str = "rerun") -> str:
    return replays.plan_id([plan(store, selection)], mode)


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
    fail(store, claim(store, generation)[0], now=NOON)
    first = plan(store, Selection(status="retrying"))
    fail(store, claim(store, generation)[0], now=NOON)
    complete(store, claim(store, generation, now=NOON + MINUTE))

    second = plan(store, Selection(status="retrying"))

    assert (first.events, second.events) == (1, 1)
    assert replays.plan_id([first], "rerun") != replays.plan_id([second], "rerun")
