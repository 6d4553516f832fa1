"""A processor that comes later is filled with the past, in windows, while the present goes on."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import NotFound
from ingest.store import filling, lanes, subscriptions
from ingest.store.engine import Store
from ingest.store.subscriptions import Registration
from tests.store.backends import BACKENDS, fresh, tries
from tests.store.stage import (
    NOON,
    OTHER_TYPE,
    a_draft,
    append,
    claim,
    fill,
    ids,
    kill,
    land,
    rolled_back,
    states,
    subscribe,
    wanted,
    work_off,
)


@pytest.fixture(autouse=True, scope="module")
def windows_of_two() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "WINDOW", 2)
        patch.setattr(filling, "REACH", 5)
        yield


def register(store: Store, registration: Registration | None = None) -> bool:
    with store.write() as tx:
        return subscriptions.register(tx, registration or wanted(), now=NOON)


def fill_one_window(store: Store) -> None:
    with store.write() as tx:
        for left in filling.unfilled(tx)[:1]:
            filling.fill_window(tx, left, now=NOON)


def generation_of(store: Store, processor: str = "books") -> int:
    with store.read() as tx:
        return int(subscriptions.find(tx, processor).generation_id)


def workable(store: Store) -> list[int]:
    with store.read() as tx:
        return [one.generation_id for one in lanes.due(tx, now=NOON).now]


def test_a_processor_added_later_works_off_the_whole_past_in_order(store: Store) -> None:
    names = [str(n) for n in range(7)]
    land(store, *names)

    assert work_off(store, subscribe(store)) == names


def test_events_that_arrive_while_it_is_filled_follow_what_came_before(store: Store) -> None:
    land(store, "1", "2", "3")
    register(store)

    land(store, "4")
    fill_one_window(store)
    land(store, "5")
    fill(store)
    land(store, "6")

    assert work_off(store, generation_of(store)) == ["1", "2", "3", "4", "5", "6"]


def test_nothing_is_claimed_before_the_past_is_complete(store: Store) -> None:
    land(store, "1", "2", "3")
    register(store)
    fill_one_window(store)
    while_filling = workable(store)

    fill(store)

    assert (while_filling, workable(store)) == ([], [generation_of(store)])


@pytest.mark.parametrize("past", [2, 4])
def test_a_past_that_fills_its_last_window_exactly_is_complete_too(store: Store, past: int) -> None:
    names = [str(n) for n in range(past)]
    land(store, *names)

    assert work_off(store, subscribe(store)) == names


@pytest.mark.parametrize("backend", BACKENDS)
def test_however_filling_and_appending_alternate_nothing_is_missed_doubled_or_disordered(
    backend: str,
) -> None:
    @tries(backend, 25)
    @given(st.integers(0, 6), st.lists(st.sampled_from(["land", "land elsewhere", "fill"]), max_size=12))
    def check(past: int, steps: list[str]) -> None:
        landed = [(str(n), "land" if n % 3 else "land elsewhere") for n in range(past)]
        with fresh(backend) as store:
            append(store, *(a_draft(name, key=key) for name, key in landed))
            register(store)
            for step in steps:
                if step == "fill":
                    fill_one_window(store)
                else:
                    landed.append((str(len(landed)), step))
                    land(store, landed[-1][0], key=step)
            fill(store)

            worked = work_off(store, generation_of(store), budget=3)

        for key in ("land", "land elsewhere"):
            mine = {name for name, of_key in landed if of_key == key}
            assert [name for name in worked if name in mine] == sorted(mine, key=int)
        assert len(worked) == len(landed)

    check()


def test_two_processes_that_fill_the_same_window_make_it_due_once(store: Store) -> None:
    land(store, "1", "2", "3")
    register(store)
    with store.read() as tx:
        (seen,) = filling.unfilled(tx)

    for _ in range(2):
        with store.write() as tx:
            filling.fill_window(tx, seen, now=NOON)
    fill(store)

    assert work_off(store, generation_of(store)) == ["1", "2", "3"]


def test_a_window_that_is_rolled_back_is_filled_again(store: Store) -> None:
    land(store, "1", "2", "3")
    register(store)

    with rolled_back(store) as tx:
        filling.fill_window(tx, filling.unfilled(tx)[0], now=NOON)
    fill(store)

    assert work_off(store, generation_of(store)) == ["1", "2", "3"]


def test_only_what_concerns_the_processor_is_due_of_the_past(store: Store) -> None:
    append(
        store,
        a_draft("1"),
        a_draft("2", type_=OTHER_TYPE),
        a_draft("3", origin="globex"),
        a_draft("4", type_=OTHER_TYPE),
        a_draft("5"),
    )

    assert work_off(store, subscribe(store, wanted(origins=("acme",)))) == ["1", "5"]


def test_an_unordered_processor_is_filled_with_a_lane_for_every_event(store: Store) -> None:
    land(store, "1", "2", "3")
    generation = subscribe(store, wanted(is_ordered=False))

    assert ids(claim(store, generation, budget=3)) == ["1", "2", "3"]
    assert claim(store, generation, worker="w2") == []


def test_a_processor_that_starts_now_leaves_the_past_alone(store: Store) -> None:
    land(store, "1", "2")
    generation = subscribe(store, wanted(start="now"))
    land(store, "3")

    assert work_off(store, generation) == ["3"]


def test_a_processor_is_new_once_only(store: Store) -> None:
    assert register(store)
    assert not register(store)
    assert not register(store, wanted(version="2"))


def test_changed_settings_hold_for_later_events(store: Store) -> None:
    generation = subscribe(store)
    append(store, a_draft("1"), a_draft("2", type_=OTHER_TYPE))

    register(store, wanted(version="2", accepts=(OTHER_TYPE,)))
    append(store, a_draft("3"), a_draft("4", type_=OTHER_TYPE))

    assert work_off(store, generation) == ["1", "4"]
    with store.read() as tx:
        assert subscriptions.find(tx, "books").version == "2"


def test_a_paused_processor_collects_what_is_due_and_works_it_off_when_it_is_active_again(
    store: Store,
) -> None:
    generation = subscribe(store)
    with store.write() as tx:
        subscriptions.set_state(tx, "books", "paused", now=NOON)

    land(store, "1")
    while_paused = workable(store)
    with store.write() as tx:
        subscriptions.set_state(tx, "books", "active", now=NOON)

    assert while_paused == []
    assert workable(store) == [generation]
    assert work_off(store, generation) == ["1"]


def test_nothing_is_due_for_a_processor_that_was_removed_and_what_it_did_stays(store: Store) -> None:
    generation = subscribe(store)
    land(store, "1", "2", "3")
    work_off_one = claim(store, generation)
    with store.write() as tx:
        lanes.release(tx, "w1", now=NOON)
    assert ids(work_off_one) == ["1"]
    kill(store, generation)

    with store.write() as tx:
        subscriptions.remove(tx, "books", now=NOON)
    land(store, "4")

    assert workable(store) == []
    with store.read() as tx, pytest.raises(NotFound, match="'books'"):
        subscriptions.find(tx, "books")


def test_a_processor_that_was_removed_and_comes_back_begins_anew(store: Store) -> None:
    first = subscribe(store)
    land(store, "1")
    work_off(store, first)
    with store.write() as tx:
        subscriptions.remove(tx, "books", now=NOON)

    second = subscribe(store)

    assert work_off(store, second) == ["1"]
    assert states(store, first) == states(store, second) == {"1": "done"}


def test_a_processor_that_nobody_subscribed_is_not_found_and_the_known_ones_are_named(store: Store) -> None:
    subscribe(store, wanted("books"))
    subscribe(store, wanted("mail"))

    with store.read() as tx, pytest.raises(NotFound) as missing:
        subscriptions.find(tx, "nobody")

    assert missing.value.hint == "subscribed: books, mail"
