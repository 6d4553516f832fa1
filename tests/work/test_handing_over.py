"""What a processor hands over is complete, in order, flat in memory, and checked at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingest import PermanentError, fact, table
from ingest.domain import codec
from ingest.domain.events import Event
from ingest.store.handover import Facts, Rejects, Rows
from ingest.work.context import Collector, Surroundings
from tests.work.bench import NOW

ROWS = table("rows", name=str, amount=Decimal, unique="name")


@fact("test.thing.counted", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class ThingCounted:
    """A thing was counted."""

    name: str


@fact("test.thing.described", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class ThingDescribed:
    """What somebody else calls the properties of a thing, and what they are."""

    properties: Mapping[str, str]


def test_large_facts_are_let_go_of_before_there_are_a_thousand() -> None:
    ctx = collector()

    for number in range(100):
        name = f"{number:03}" + "x" * 99_997
        ctx.emit(ThingCounted(name=name), key="k", name=str(number))

    spool = ctx.seal()
    pieces = list(spool.pieces())
    spool.close()
    assert [len(piece.facts) for piece in pieces if isinstance(piece, Facts)] == [11] * 9 + [1]


def collector() -> Collector:
    cause = Event(
        id="cause",
        type="ingest.file.landed.v1",
        source="/ingest/acme",
        subject="a",
        time=NOW,
        dataschema="urn:x",
        data={},
        partitionkey="acme/a",
        correlationid="cause",
    )
    around = Surroundings(
        processor="p", options={}, open=_no_file, select=lambda _table, _equal: [], clock=lambda: NOW
    )
    return Collector(cause, origin="acme", content=None, around=around)


def _no_file(_sha256: str, _event: Event) -> Any:
    raise FileNotFoundError


def many(count: int) -> Collector:
    made = collector()
    for n in range(count):
        counted = ThingCounted(name=f"n{n}")
        made.insert(ROWS, {"name": f"n{n}", "amount": Decimal(n)}, fact=counted, key="k", name=f"n{n}")
        if n % 3 == 0:
            made.reject(rule="odd", line=n)
    return made


def test_a_large_handover_lies_in_a_file_and_reads_back_as_it_was() -> None:
    spool = many(20_000).seal()

    pieces = list(spool.pieces())

    rows = [row for piece in pieces if isinstance(piece, Rows) for row in piece.rows]
    facts = [fact for piece in pieces if isinstance(piece, Rows) for fact in piece.facts if fact is not None]
    refused = [one for piece in pieces if isinstance(piece, Rejects) for one in piece.rejects]
    assert spool.is_large
    assert rows == [(f"n{n}", str(n)) for n in range(20_000)]
    assert [codec.decode(f.body).data["name"] for f in facts] == [f"n{n}" for n in range(20_000)]
    assert [line for line, *_ in refused] == list(range(0, 20_000, 3))
    assert (spool.rows_in, spool.rejected, spool.facts) == (26_667, 6_667, 20_000)
    assert list(spool.pieces()) == pieces, "it can be read again"
    spool.close()


def test_the_digest_tells_handovers_apart_and_does_not_depend_on_the_moment() -> None:
    assert many(10).seal().digest == many(10).seal().digest
    assert many(10).seal().digest != many(11).seal().digest


def test_the_digest_tells_facts_apart_whatever_their_fields_are_called() -> None:
    digests = set()
    for colour in ("red", "green"):
        made = collector()
        described = ThingDescribed(properties={"a": "b", "datacontenttype": "text", "paint": colour})
        made.emit(described, key="k", name="thing")
        digests.add(made.seal().digest)

    assert len(digests) == 2


def test_facts_without_a_row_are_handed_over_in_order() -> None:
    made = collector()
    for n in range(3):
        made.emit(ThingCounted(name=str(n)), key="k", name=str(n))

    (piece,) = made.seal().pieces()

    assert isinstance(piece, Facts)
    assert [codec.decode(f.body).data["name"] for f in piece.facts] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"name": "a", "amount": 1.5}, "column 'amount' takes Decimal, not float"),
        ({"name": "a", "amount": Decimal("NaN")}, "cannot hold this Decimal"),
        ({"name": "a\0", "amount": Decimal(1)}, "cannot hold this str: it contains NUL"),
        ({"name": "a", "amount": Decimal(1), "other": 1}, "has no column 'other'"),
        ({"amount": Decimal(1)}, "column 'name' takes str, not NoneType"),
    ],
)
def test_a_row_that_does_not_fit_its_table_is_refused_by_name(row: dict[str, Any], said: str) -> None:
    with pytest.raises(PermanentError, match="column") as refused:
        collector().insert(ROWS, row)

    assert said in str(refused.value)


MANY = table("many", name=str, count=int | None, on=date, amount=Decimal, extra=dict)
GOOD: tuple[Any, ...] = ("a", 1, date(2026, 3, 2), Decimal("1.50"), {})


def test_many_rows_are_kept_as_rows_handed_over_one_by_one() -> None:
    names = [column.name for column in MANY.columns]
    rows = [(f"n{n}", None if n % 7 else n, date(2026, 3, 2), Decimal(n), {"n": n}) for n in range(2500)]
    one_by_one, as_tuples, as_mappings = collector(), collector(), collector()
    at_times, as_they_come = collector(), collector()

    for row in rows:
        one_by_one.insert(MANY, dict(zip(names, row, strict=True)))
    as_tuples.insert_many(MANY, rows)
    as_mappings.insert_many(MANY, (dict(zip(names, row, strict=True)) for row in rows))
    at_times.insert(MANY, dict(zip(names, rows[0], strict=True)))
    at_times.insert_many(MANY, rows[1:1700])
    at_times.insert_many(MANY, rows[1700:])
    as_they_come.insert_many(MANY, iter(rows))

    expected = list(one_by_one.seal().pieces())
    assert list(as_tuples.seal().pieces()) == expected
    for other in (as_mappings, at_times, as_they_come):
        assert list(other.seal().pieces()) == expected
        assert other.spool.digest == one_by_one.spool.digest
    assert as_tuples.spool.digest == one_by_one.spool.digest
    assert as_tuples.spool.rows_in == 2500


def test_a_row_that_is_changed_after_it_was_handed_over_is_kept_as_it_was() -> None:
    def rows() -> Iterator[Any]:
        extra: dict[str, int] = {}
        values = {"name": "", "count": 0, "on": date(2026, 3, 2), "amount": Decimal(1), "extra": extra}
        for n in range(3):
            values["name"] = f"n{n}"
            extra["n"] = n
            yield values

    made = collector()
    made.insert_many(MANY, rows())

    (piece,) = made.seal().pieces()
    assert isinstance(piece, Rows)
    assert [(row[0], row[4]) for row in piece.rows] == [
        ("n0", '{"n":0}'),
        ("n1", '{"n":1}'),
        ("n2", '{"n":2}'),
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("a\0", *GOOD[1:]), "column 'name' cannot hold this str: it contains NUL"),
        (("\ud800", *GOOD[1:]), "column 'name' cannot hold this str: it is not valid text"),
        ((GOOD[0], 2**63, *GOOD[2:]), "column 'count' cannot hold this int: it needs more than 64 bits"),
        ((GOOD[0], True, *GOOD[2:]), "column 'count' takes int, not bool"),
        ((*GOOD[:2], datetime(2026, 3, 2, tzinfo=UTC), *GOOD[3:]), "column 'on' "),
        ((*GOOD[:2], None, *GOOD[3:]), "column 'on' takes date, not NoneType"),
        ((*GOOD[:3], Decimal("Infinity"), {}), "column 'amount' cannot hold this Decimal: it is not finite"),
        ((*GOOD[:3], 1.5, {}), "column 'amount' takes Decimal, not float"),
        ((*GOOD[:4], {"n": object()}), "column 'extra' "),
        (GOOD[:4], "has 5 columns, the row 4"),
    ],
)
def test_of_many_rows_the_first_wrong_one_is_refused_by_name_and_those_before_it_count(
    wrong: Any, said: str
) -> None:
    made = collector()

    with pytest.raises(PermanentError) as refused:
        made.insert_many(MANY, [GOOD, GOOD, wrong, GOOD, ("later", None, None, None, None)])

    assert said in str(refused.value)
    assert made.seal().rows_in == 2


def test_rows_of_several_tables_keep_their_order_within_each() -> None:
    made = collector()

    def rows() -> Iterator[Any]:
        yield GOOD
        made.insert(ROWS, {"name": "between", "amount": Decimal(1)})
        yield GOOD

    made.insert_many(MANY, rows())

    pieces = [piece for piece in made.seal().pieces() if isinstance(piece, Rows)]
    assert [(piece.table.name, len(piece.rows)) for piece in pieces] == [
        ("many", 1),
        ("rows", 1),
        ("many", 1),
    ]


def test_refused_text_is_bounded_and_cannot_move_a_cursor() -> None:
    made = collector()
    made.reject(rule="any", raw="\x1b[31m" + "x" * 10_000)

    (piece,) = made.seal().pieces()

    assert isinstance(piece, Rejects)
    raw = piece.rejects[0][3]
    assert "\x1b" not in raw
    assert len(raw) < 300
