"""Each criterion of a selection means what it says, alone and together with others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ingest.store.engine import Store
from ingest.store.schema import events
from ingest.store.selection import Fixed, Selection, fixed, narrowed
from tests.store.stage import (
    MINUTE,
    NOON,
    OTHER_TYPE,
    TYPE,
    a_draft,
    append,
    claim,
    complete,
    fail,
    subscribe,
    wanted,
)

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds
NUMBERS = st.integers(0, 2**63 - 1)
SELECTIONS = st.builds(
    Selection,
    ids=st.lists(st.text(), max_size=3).map(tuple),
    source=st.none() | st.text(),
    key=st.none() | st.text(),
    types=st.lists(st.text(), max_size=3).map(tuple),
    since=st.none() | MOMENTS,
    until=st.none() | MOMENTS,
    first=st.none() | NUMBERS,
    last=st.none() | NUMBERS,
    status=st.none() | st.sampled_from(["dead", "done", "retrying"]),
)


@pytest.fixture
def generation(store: Store) -> int:
    """Four events: `done`, `retrying`, `dead` and `waiting` are what became of them."""
    generation = subscribe(store, wanted(accepts=(TYPE, OTHER_TYPE)))
    append(store, a_draft("done", key="a", time=NOON))
    append(store, a_draft("retrying", key="b", time=NOON + MINUTE, origin="globex"))
    append(store, a_draft("dead", key="c", time=NOON + 2 * MINUTE))
    done, retrying, dead = claim(store, generation, budget=3)
    complete(store, [done])
    fail(store, retrying)
    fail(store, dead, is_permanent=True)
    append(store, a_draft("waiting", key="a", time=NOON + 3 * MINUTE, type_=OTHER_TYPE))
    return generation


def selected(store: Store, selection: Selection, generation: int | None = None) -> list[str]:
    statement = narrowed(select(events.c.id), selection, generation_id=generation)
    with store.read() as tx:
        return list(tx.execute(statement.order_by(events.c.position)).scalars())


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({}, ["done", "retrying", "dead", "waiting"]),
        ({"ids": ("dead", "done", "nobody")}, ["done", "dead"]),
        ({"ids": ("nobody",)}, []),
        ({"source": "globex"}, ["retrying"]),
        ({"key": "a"}, ["done", "waiting"]),
        ({"types": (OTHER_TYPE,)}, ["waiting"]),
        ({"types": (OTHER_TYPE, TYPE)}, ["done", "retrying", "dead", "waiting"]),
        ({"since": NOON + MINUTE}, ["retrying", "dead", "waiting"]),
        ({"since": NOON + MINUTE + timedelta(microseconds=1)}, ["dead", "waiting"]),
        ({"until": NOON + MINUTE}, ["done"]),
        ({"until": NOON + MINUTE + timedelta(microseconds=1)}, ["done", "retrying"]),
        ({"first": 2}, ["retrying", "dead", "waiting"]),
        ({"last": 2}, ["done", "retrying"]),
        ({"first": 2, "last": 2}, ["retrying"]),
        ({"first": 0}, ["done", "retrying", "dead", "waiting"]),
        ({"last": 0}, []),
        ({"status": "dead"}, ["dead"]),
        ({"status": "done"}, ["done"]),
        ({"status": "retrying"}, ["retrying"]),
        ({"key": "a", "since": NOON + MINUTE}, ["waiting"]),
        ({"source": "acme", "status": "retrying"}, []),
    ],
)
def test_a_selection_holds_exactly_the_events_that_meet_all_its_criteria(
    store: Store, generation: int, criteria: dict[str, Any], found: list[str]
) -> None:
    assert selected(store, Selection(**criteria), generation) == found


def test_a_status_is_that_of_the_live_work_of_the_processor_that_is_asked_about(
    store: Store, generation: int
) -> None:
    other = subscribe(store, wanted("mail"))

    assert selected(store, Selection(status="dead"), generation) == ["dead"]
    assert [selected(store, Selection(status=status), other) for status in ("dead", "done", "retrying")] == [
        [],
        [],
        [],
    ]


@given(SELECTIONS)
def test_a_selection_survives_the_store(selection: Selection) -> None:
    assert Selection.from_json(selection.to_json()) == selection


@given(SELECTIONS, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3).map(tuple))
def test_a_fixed_selection_survives_the_store(plain: Selection, spans: tuple[tuple[int, int], ...]) -> None:
    one = Fixed(plain=plain, spans=spans)

    assert Fixed.from_json(one.to_json()) == one


def spans_of(store: Store, generation: int, **criteria: Any) -> tuple[tuple[int, int], ...]:
    with store.read() as tx:
        chosen = fixed(tx, select(events), Selection(**criteria), bound=4, generation_id=generation)
    assert chosen.plain == Selection(**criteria | {"status": None})
    return chosen.spans


def test_a_selection_without_a_status_is_fixed_by_its_bound(store: Store, generation: int) -> None:
    assert spans_of(store, generation, key="a") == ((1, 4),)


@pytest.mark.parametrize(("status", "position"), [("done", 1), ("retrying", 2), ("dead", 3)])
def test_a_status_is_fixed_as_the_places_that_have_it(
    store: Store, generation: int, status: str, position: int
) -> None:
    assert spans_of(store, generation, status=status) == ((position, position),)


def test_a_status_that_nothing_has_is_fixed_as_no_place_at_all(store: Store, generation: int) -> None:
    assert spans_of(store, generation, status="dead", key="a") == ()


def test_what_is_done_is_fixed_as_few_spans_however_much_it_is(store: Store, generation: int) -> None:
    complete(store, claim(store, generation, now=NOON + MINUTE))

    assert spans_of(store, generation, status="done") == ((1, 1), (4, 4))
    assert spans_of(store, generation, status="done", key="a") == ((1, 4),)
