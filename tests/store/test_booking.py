"""Each row that is handed over is booked, a duplicate or a conflict; none is lost and none counts twice."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract import Table, table
from ingest.store import booking, tables
from ingest.store.booking import BOOKED, CONFLICT, DUPLICATE, Fingerprint
from ingest.store.dialect import CHUNK
from ingest.store.engine import Store
from tests.store.backends import BACKENDS, fresh, tries
from tests.store.handing import LINES, PAYMENTS, stand

ONE, SAME, OTHER = ("A", "1.00", None), ("A", "1.00", None), ("A", "2.00", None)
TWO, THREE = ("B", "1.00", "x"), ("C", "0", "")


def book(store: Store, event_id: str, *rows: tuple[object, ...], of: Table = PAYMENTS) -> list[str] | None:
    with store.write() as tx:
        return booking.book(tx, of, event_id, rows)


def booked(store: Store, of: Table = PAYMENTS) -> list[tuple[object, ...]]:
    with store.read() as tx:
        found = [tuple(row.values()) for row in booking.select_rows(tx, of, {})]
    return sorted(found, key=repr)


@pytest.fixture
def store(store: Store) -> Store:
    """A store in which the tables stand."""
    stand(store)
    return store


def test_rows_whose_keys_are_new_are_all_booked(store: Store) -> None:
    assert book(store, "e1", ONE, TWO) is None

    assert booked(store) == [(*ONE, "e1"), (*TWO, "e1")]


def test_a_row_that_stands_with_the_same_content_is_a_duplicate(store: Store) -> None:
    book(store, "e1", ONE)

    assert book(store, "e2", SAME, TWO) == [DUPLICATE, BOOKED]

    assert booked(store) == [(*ONE, "e1"), (*TWO, "e2")]


def test_a_row_that_stands_with_other_content_is_a_conflict_and_what_stands_is_kept(store: Store) -> None:
    book(store, "e1", ONE)

    assert book(store, "e2", OTHER, TWO) == [CONFLICT, BOOKED]

    assert booked(store) == [(*ONE, "e1"), (*TWO, "e2")]


def test_duplicates_and_conflicts_within_one_file_are_told_too(store: Store) -> None:
    assert book(store, "e1", ONE, TWO, OTHER, SAME, THREE) == [BOOKED, BOOKED, CONFLICT, DUPLICATE, BOOKED]

    assert booked(store) == [(*ONE, "e1"), (*TWO, "e1"), (*THREE, "e1")]


def test_the_very_same_row_handed_over_twice_is_booked_once(store: Store) -> None:
    assert book(store, "e1", ONE, ONE) == [BOOKED, DUPLICATE]


def test_a_table_without_a_key_takes_every_row(store: Store) -> None:
    assert book(store, "e1", (1, "a"), (1, "a"), (2, None), of=LINES) is None

    assert booked(store, LINES) == [(1, "a", "e1"), (1, "a", "e1"), (2, None, "e1")]


@pytest.mark.parametrize("collides", [False, True])
def test_rows_whose_key_is_not_complete_are_never_duplicates_of_one_another(
    store: Store, collides: bool
) -> None:
    loose = table("loose", a=str, b=str | None, text=str, unique=("a", "b"))
    with store.write() as tx:
        tables.ensure(tx, "books", [loose])
    extra = [("k", "v", "1"), ("k", "v", "1")] if collides else []

    verdicts = book(store, "e1", ("x", None, "1"), ("x", None, "1"), ("x", None, "2"), *extra, of=loose)

    assert (verdicts or [BOOKED] * 3) == [BOOKED] * 3 + ([BOOKED, DUPLICATE] if collides else [])
    assert len(booked(store, loose)) == 3 + collides


def test_a_key_of_several_columns_is_compared_as_a_whole(store: Store) -> None:
    pairs = table("pairs", a=str, b=int, text=str, unique=("b", "a"))
    with store.write() as tx:
        tables.ensure(tx, "books", [pairs])
    book(store, "e1", ("x", 1, "t"), ("y", 2, "t"), of=pairs)

    verdicts = book(store, "e2", ("x", 2, "t"), ("y", 1, "t"), ("x", 1, "t"), ("y", 2, "u"), of=pairs)

    assert verdicts == [BOOKED, BOOKED, DUPLICATE, CONFLICT]


def test_more_keys_than_one_list_holds_are_told_apart_as_well(store: Store) -> None:
    many = [(f"{n}", "1", None) for n in range(CHUNK * 2 + 1)]
    book(store, "e1", *many)

    assert book(store, "e2", *many) == [DUPLICATE] * len(many)


def test_what_an_event_has_booked_can_be_cleared_alone(store: Store) -> None:
    book(store, "e1", ONE)
    book(store, "e2", TWO)

    with store.write() as tx:
        booking.clear(tx, PAYMENTS, ["e1"])

    assert booked(store) == [(*TWO, "e2")]


def test_rows_are_read_by_the_event_that_caused_them_and_by_what_they_hold(store: Store) -> None:
    book(store, "e1", ONE, TWO)
    book(store, "e2", THREE)

    with store.read() as tx:
        assert list(map(tuple, booking.rows_of(tx, PAYMENTS, "e2"))) == [THREE]
        assert booking.select_rows(tx, PAYMENTS, {"amount": "1.00", "note": "x"}) == [
            {"payment_id": "B", "amount": "1.00", "note": "x", "event_id": "e1"}
        ]
        assert booking.select_rows(tx, PAYMENTS, {"note": None})[0]["payment_id"] == "A"


def test_rows_are_read_by_any_of_a_set_of_values_however_many_these_are(store: Store) -> None:
    many = [(f"{n}", "1.00", None) for n in range(CHUNK + 1)]
    book(store, "e1", *many, ("x", "2.00", None))

    with store.read() as tx:
        few = booking.select_rows(tx, PAYMENTS, {"payment_id": {"x", "0", "?"}})
        every = {id_ for id_, *_ in many}
        found = booking.select_rows(tx, PAYMENTS, {"payment_id": every, "amount": {"1.00", "9.00"}})
        assert {row["payment_id"] for row in few} == {"x", "0"}
        assert sorted(row["payment_id"] for row in found) == sorted(every)
        assert len(booking.select_rows(tx, PAYMENTS, {"note": {None, "x"}})) == len(many) + 1
        assert booking.select_rows(tx, PAYMENTS, {"payment_id": set()}) == []


ROWS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["1", "2"]), st.none() | st.just("x")), max_size=8
)


@pytest.mark.parametrize("backend", BACKENDS)
def test_however_rows_come_in_each_key_is_booked_once_with_what_came_first(backend: str) -> None:
    @tries(backend, 30)
    @given(st.lists(ROWS, max_size=4))
    def check(files: Sequence[Sequence[tuple[str, str, str | None]]]) -> None:
        first: dict[str, tuple[str, str, str | None]] = {}
        with fresh(backend) as store:
            stand(store)
            for n, rows in enumerate(files):
                verdicts = book(store, f"e{n}", *rows) or [BOOKED] * len(rows)
                for row, verdict in zip(rows, verdicts, strict=True):
                    stood = first.setdefault(row[0], row)
                    was_known = stood is not row
                    assert verdict == ((DUPLICATE if stood == row else CONFLICT) if was_known else BOOKED)

            assert [row[:-1] for row in booked(store)] == sorted(first.values(), key=repr)

    check()


def fingerprint(*rows: tuple[object, ...], kind: str = "payments") -> Fingerprint:
    found = Fingerprint()
    for row in rows:
        found.add(kind, row)
    return found


def test_fingerprints_compare_rows_whatever_their_order_but_count_each() -> None:
    assert fingerprint(ONE, TWO) == fingerprint(TWO, ONE)
    assert fingerprint(ONE) != fingerprint(ONE, ONE)
    assert fingerprint(ONE) != fingerprint(OTHER)
    assert fingerprint(ONE) != fingerprint(ONE, kind="rejects")
    assert fingerprint() != object()
