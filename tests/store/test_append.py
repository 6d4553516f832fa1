from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from ingest.domain.codec import FIRST_LINK, decode, link
from ingest.domain.upcast import what_counts
from ingest.store import outbox
from ingest.store.dialect import CHUNK
from ingest.store.engine import Store
from ingest.store.reading import verifying
from ingest.store.schema import deliveries, event_keys, events, lanes
from tests.store.backends import BACKENDS, fresh, tries
from tests.store.stage import (
    NOON,
    OTHER_TYPE,
    a_draft,
    append,
    claim,
    ids,
    land,
    rolled_back,
    subscribe,
    wanted,
    work_off,
)


def chain(store: Store, key: str) -> list[tuple[str, int]]:
    statement = select(events.c.id, events.c.keyseq).where(events.c.key == key).order_by(events.c.keyseq)
    with store.read() as tx:
        return [(row.id, row.keyseq) for row in tx.execute(statement)]


def count(store: Store, *tables: object) -> list[int]:
    with store.read() as tx:
        return [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]  # type: ignore[arg-type]


def test_events_of_one_key_are_numbered_densely_in_the_order_in_which_they_were_drafted(store: Store) -> None:
    append(store, a_draft("a1", key="a"), a_draft("b1", key="b"), a_draft("a2", key="a"))
    append(store, a_draft("a3", key="a"), a_draft("b2", key="b"))

    assert chain(store, "a") == [("a1", 1), ("a2", 2), ("a3", 3)]
    assert chain(store, "b") == [("b1", 1), ("b2", 2)]


def test_positions_rise_in_the_order_of_the_drafts_and_from_one_append_to_the_next(store: Store) -> None:
    first, second = land(store, "1", "2", "3"), land(store, "4", "5")

    assert first + second == sorted({*first, *second})


def test_an_event_that_stands_is_skipped_and_takes_no_number(store: Store) -> None:
    (position,) = land(store, "1")

    assert append(store, a_draft("1"), a_draft("2"), a_draft("1", key="elsewhere")) == [
        None,
        position + 1,
        None,
    ]
    assert chain(store, "k") == [("1", 1), ("2", 2)]
    assert chain(store, "elsewhere") == []


def test_an_event_drafted_twice_in_one_batch_stands_once(store: Store) -> None:
    positions = append(store, a_draft("1"), a_draft("1"), a_draft("2"))

    assert [position is None for position in positions] == [False, True, False]
    assert chain(store, "k") == [("1", 1), ("2", 2)]


def test_a_batch_larger_than_one_list_of_ids_is_numbered_densely_too(store: Store) -> None:
    names = [str(n) for n in range(CHUNK * 2 + 7)]
    land(store, *names[5:600:7])

    append(store, *map(a_draft, names))

    assert [keyseq for _, keyseq in chain(store, "k")] == list(range(1, len(names) + 1))


def test_a_batch_of_nothing_changes_nothing(store: Store) -> None:
    assert append(store) == []
    assert count(store, events, event_keys) == [0, 0]


def test_an_event_reads_as_it_was_drafted(store: Store) -> None:
    draft = a_draft("2", key="k", origin="acme", supersedes="1", cause="0", producer="books")
    append(store, draft)

    with store.read() as tx:
        row = tx.execute(select(events)).one()

    written = ("id", "type", "key", "time", "body", "origin", "cause", "producer", "supersedes", "content")
    assert {name: row._mapping[name] for name in written} == {name: getattr(draft, name) for name in written}
    assert decode(row.body).id == "2"


def test_what_counts_of_events_that_stand_is_found_by_id(store: Store) -> None:
    land(store, "1", "2")
    draft = a_draft("2")

    with store.read() as tx:
        assert outbox.standing(tx, ["2", "3"]) == {"2": what_counts(draft.type, draft.key, draft.body)}


def test_every_event_hashes_onto_the_one_before_it_under_its_key(store: Store) -> None:
    append(store, a_draft("a1", key="a"), a_draft("b1", key="b"), a_draft("a2", key="a"))

    with store.read() as tx:
        hashes = {row.id: row.hash for row in tx.execute(select(events))}
        heads = {row.key: (row.keyseq, row.hash) for row in tx.execute(select(event_keys))}

    first = link(FIRST_LINK, 1, a_draft("a1", key="a").body)
    second = link(first, 2, a_draft("a2", key="a").body)
    assert (hashes["a1"], hashes["a2"]) == (first, second)
    assert heads == {"a": (2, second), "b": (1, link(FIRST_LINK, 1, a_draft("b1", key="b").body))}


@pytest.mark.parametrize("backend", BACKENDS)
def test_whatever_is_appended_the_log_proves_itself(backend: str) -> None:
    @tries(backend, 20)
    @given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), max_size=12), max_size=6))
    def check(batches: list[list[tuple[str, int]]]) -> None:
        with fresh(backend) as store:
            for batch in batches:
                append(store, *(a_draft(str(n), key=key) for key, n in batch))

            assert verifying.verify(store).holds

    check()


def test_an_append_that_is_rolled_back_leaves_nothing(store: Store) -> None:
    subscribe(store)

    with rolled_back(store) as tx:
        outbox.append(tx, [a_draft("1"), a_draft("2", key="other")], now=NOON)

    assert count(store, events, event_keys, deliveries, lanes) == [0, 0, 0, 0]
    land(store, "1")
    assert chain(store, "k") == [("1", 1)]


def test_an_event_is_due_once_for_every_processor_it_concerns_and_for_no_other(store: Store) -> None:
    both = subscribe(store, wanted("both", accepts=(wanted().accepts[0], OTHER_TYPE)))
    other = subscribe(store, wanted("other", accepts=(OTHER_TYPE,)))
    of_globex = subscribe(store, wanted("globex", origins=("globex", "initech")))

    append(store, a_draft("1"), a_draft("2", type_=OTHER_TYPE), a_draft("3", origin="globex"))

    assert work_off(store, both) == ["1", "2", "3"]
    assert work_off(store, other) == ["2"]
    assert work_off(store, of_globex) == ["3"]


def test_an_event_that_is_skipped_is_not_due_again(store: Store) -> None:
    generation = subscribe(store)
    land(store, "1")
    work_off(store, generation)

    append(store, a_draft("1"), a_draft("2"))

    assert work_off(store, generation) == ["2"]


def test_the_events_of_a_key_that_wait_are_worked_in_their_order_whatever_the_batches(store: Store) -> None:
    generation = subscribe(store)
    names = [str(n) for n in range(20)]
    for start in range(0, 20, 3):
        land(store, *names[start : start + 3])

    assert work_off(store, generation, budget=4) == names


def test_an_unordered_processor_has_a_lane_of_its_own_for_every_event(store: Store) -> None:
    generation = subscribe(store, wanted(is_ordered=False))
    land(store, "1", "2", "3")

    one, two = claim(store, generation, worker="w1"), claim(store, generation, worker="w2", budget=2)

    assert (ids(one), ids(two)) == (["1"], ["2", "3"])


def test_new_events_of_a_key_whose_lane_is_leased_wait_behind_it(store: Store) -> None:
    generation = subscribe(store)
    land(store, "1")
    started = claim(store, generation, budget=8)

    land(store, "2", now=NOON + timedelta(seconds=1))

    assert claim(store, generation, worker="w2", now=NOON + timedelta(hours=1)) == []
    assert ids(started) == ["1"]


def test_an_event_of_a_type_that_nobody_accepts_is_due_for_nobody(store: Store) -> None:
    subscribe(store)

    append(store, a_draft("1", type_=OTHER_TYPE))

    assert count(store, deliveries, lanes) == [0, 0]
