"""The longest keys that are taken stand in every index there is, of either store."""

from __future__ import annotations

import random
import string

from ingest.contract import table
from ingest.domain.keys import LONGEST_KEY
from ingest.store import booking, tables
from ingest.store.engine import Store
from tests.store.stage import a_draft, append, claim, complete, kill, land, subscribe, work_off

SOME = random.Random(7)


def noise(size: int) -> str:
    """Text that no index can compress."""
    return "".join(SOME.choices(string.ascii_letters + string.digits + string.punctuation, k=size))


def test_facts_under_the_longest_key_are_appended_claimed_and_worked_in_order(store: Store) -> None:
    key = noise(LONGEST_KEY)
    generation = subscribe(store)

    land(store, "one", "two", key=key)
    complete(store, claim(store, generation))
    append(store, a_draft("three", key=key))

    assert work_off(store, generation) == ["two", "three"]


def test_a_dead_one_parks_the_lane_of_the_longest_key(store: Store) -> None:
    key = noise(LONGEST_KEY)
    generation = subscribe(store)
    land(store, "one", "two", key=key)

    assert kill(store, generation).lane.key == key
    assert work_off(store, generation) == []


def test_rows_with_the_longest_key_of_the_most_columns_are_booked(store: Store) -> None:
    texts, numbers = [f"s{n}" for n in range(8)], [f"i{n}" for n in range(8)]
    mixed = [name for pair in zip(texts, numbers, strict=True) for name in pair]  # where padding costs most
    name = "t" * 50
    wide = table(name, unique=mixed, **{n: str if n in texts else int | None for n in mixed})
    sizes = [LONGEST_KEY - 7 * 301, *[301] * 7]
    row = {n: noise(size) for n, size in zip(texts, sizes, strict=True)} | dict.fromkeys(numbers[1:], 2**62)
    with store.write() as tx:
        tables.ensure(tx, "books", [wide])

        booking.book(tx, wide, "e1", [wide.bind(row)])

    with store.read() as tx:
        assert len(booking.select_rows(tx, wide, {})) == 1
