"""What a processor hands over is complete, in order, flat in memory, and checked at once."""

from __future__ import annotations

from dataclasses import dataclass
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


def _no_file(_sha256: str) -> Any:
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


def test_refused_text_is_bounded_and_cannot_move_a_cursor() -> None:
    made = collector()
    made.reject(rule="any", raw="\x1b[31m" + "x" * 10_000)

    (piece,) = made.seal().pieces()

    assert isinstance(piece, Rejects)
    raw = piece.rejects[0][3]
    assert "\x1b" not in raw
    assert len(raw) < 300
