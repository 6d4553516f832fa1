"""A processor's tables are made for it, follow what it adds, and are nobody else's."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import inspect

from ingest.contract import Table, table
from ingest.errors import UsageError
from ingest.store import booking, subscriptions, tables
from ingest.store.engine import Store
from ingest.store.schema import OWN_TABLES
from tests.store.stage import NOON, subscribe

PLAIN = table("payments", payment_id=str, amount=Decimal, unique="payment_id")


def ensure(store: Store, *given: Table, processor: str = "books") -> None:
    with store.write() as tx:
        tables.ensure(tx, processor, given)


def columns(store: Store, name: str) -> list[str]:
    with store.read() as tx:
        return [column["name"] for column in inspect(tx).get_columns(name)]


def test_a_table_is_made_with_its_columns_and_the_event_that_caused_a_row(store: Store) -> None:
    ensure(store, PLAIN)

    assert columns(store, "payments") == ["payment_id", "amount", "event_id"]


def test_a_table_that_stands_as_declared_is_left_alone(store: Store) -> None:
    ensure(store, PLAIN)
    with store.write() as tx:
        booking.book(tx, PLAIN, "e1", [("A", "1")])

    ensure(store, table("payments", amount=Decimal, payment_id=str, unique="payment_id"))

    with store.read() as tx:
        assert len(booking.select_rows(tx, PLAIN, {})) == 1


def test_values_of_every_type_come_back_as_they_were_bound(store: Store) -> None:
    every = table("every", s=str, i=int, b=bool, m=Decimal, d=date, t=datetime, j=dict, e=list, n=str | None)
    ensure(store, every)
    row = every.bind(
        {
            "s": "ü\n",
            "i": -(2**63),
            "b": True,
            "m": Decimal("0.10"),
            "d": date(2026, 3, 1),
            "t": datetime(2026, 3, 1, tzinfo=UTC),
            "j": {"b": 1, "a": None},
            "e": ["x"],
        }
    )
    with store.write() as tx:
        booking.book(tx, every, "e1", [row])

    with store.read() as tx:
        assert [tuple(found) for found in booking.rows_of(tx, every, "e1")] == [row]


def test_added_nullable_columns_follow_and_old_rows_hold_nothing_there(store: Store) -> None:
    ensure(store, PLAIN)
    with store.write() as tx:
        booking.book(tx, PLAIN, "e1", [("A", "1")])
    wider = table(
        "payments", payment_id=str, amount=Decimal, note=str | None, n=int | None, unique="payment_id"
    )

    ensure(store, wider)
    ensure(store, wider)

    with store.write() as tx:
        booking.book(tx, wider, "e2", [("B", "2", "x", 7)])
        assert [tuple(row) for row in booking.rows_of(tx, wider, "e1")] == [("A", "1", None, None)]
        assert [tuple(row) for row in booking.rows_of(tx, wider, "e2")] == [("B", "2", "x", 7)]


@pytest.mark.parametrize(
    "changed",
    [
        table("payments", payment_id=str, unique="payment_id"),
        table("payments", payment_id=str, amount=int, unique="payment_id"),
        table("payments", payment_id=str, amount=Decimal | None, unique="payment_id"),
        table("payments", payment_id=str, amount=Decimal, note=str, unique="payment_id"),
        table("payments", payment_id=str, amount=Decimal),
        table("payments", payment_id=str, amount=Decimal, unique=("payment_id", "amount")),
    ],
    ids=["column gone", "other type", "now nullable", "added, not nullable", "key gone", "other key"],
)
def test_any_other_difference_is_refused_and_nothing_changes(store: Store, changed: Table) -> None:
    ensure(store, PLAIN)

    with pytest.raises(UsageError, match="'payments'"):
        ensure(store, changed)

    assert columns(store, "payments") == ["payment_id", "amount", "event_id"]
    ensure(store, PLAIN)


@pytest.mark.parametrize("name", [*sorted(OWN_TABLES), "sqlite_mine"])
def test_the_engines_own_names_are_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name!r} is the engine's own"):
        ensure(store, table(name, a=str))


def test_another_processors_table_is_refused(store: Store) -> None:
    ensure(store, PLAIN, processor="books")

    with pytest.raises(UsageError, match="'books'"):
        ensure(store, PLAIN, processor="mail")


def test_a_table_that_nobody_declared_is_refused(store: Store) -> None:
    with store.write() as tx:
        tables.sql_table(PLAIN).create(tx)

    with pytest.raises(UsageError, match="no processor declared it"):
        ensure(store, PLAIN)


def test_a_processor_that_was_removed_finds_its_tables_and_rows_when_it_comes_back(store: Store) -> None:
    subscribe(store)
    ensure(store, PLAIN)
    with store.write() as tx:
        booking.book(tx, PLAIN, "e1", [("A", "1")])
        subscriptions.remove(tx, "books", now=NOON)

    ensure(store, PLAIN)

    with store.read() as tx:
        assert len(booking.select_rows(tx, PLAIN, {})) == 1


@pytest.mark.parametrize("word", ["order", "select", "table", "index", "values", "group"])
def test_words_that_mean_something_in_sql_are_names_like_any_other(store: Store, word: str) -> None:
    before: dict[str, Any] = {word: str, "where": int}
    ensure(store, table(word, **before, unique=word))
    after = table(word, **before, **{"from": str | None}, unique=word)

    ensure(store, after)

    with store.write() as tx:
        assert booking.book(tx, after, "e1", [("a", 1, None)]) is None
        assert booking.book(tx, after, "e2", [("a", 1, None), ("b", 2, "c")]) == ["duplicate", "booked"]
        booking.clear(tx, after, "e1")
        assert booking.select_rows(tx, after, {"from": "c"}) == [
            {word: "b", "where": 2, "from": "c", "event_id": "e2"}
        ]


def test_as_many_columns_as_are_allowed_can_stand_and_be_booked(store: Store) -> None:
    wide = table("wide", **dict.fromkeys((f"c{n}" for n in range(200)), int), unique="c0")
    ensure(store, wide)

    with store.write() as tx:
        assert booking.book(tx, wide, "e1", [tuple(range(200)), tuple(range(200))]) == ["booked", "duplicate"]
