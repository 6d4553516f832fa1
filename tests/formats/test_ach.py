"""ACH files become rows, and facts of what was ordered and what came back, once each."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ingest.testing import Bench, HandedOver, hand_over
from ingest.vetting import Refused
from processors.ach import ENTRIES, ach, recognise
from processors.facts import PaymentOrdered, PaymentReturned
from tests.formats.achfiles import Line, batch, file_of, paid

RETURNED = paid(code="26", cents=705, addenda=("799R01091000010000007      09100001",))


def handled(*lines: Line, entry_class: str = "PPD") -> HandedOver:
    return hand_over(ach, file_of(batch(*lines, entry_class=entry_class)))


def rows(handed: HandedOver, table: str) -> list[Any]:
    return [row.values for row in handed.rows if row.table == table]


def test_an_entry_becomes_a_row_and_an_order_keyed_by_the_company_that_gave_it() -> None:
    handed = handled(paid(cents=1050, addenda=("705bonus",)))

    [entry] = [row for row in handed.rows if row.table == "ach_entries"]
    assert entry.values["amount_minor"] == 1050
    assert (entry.values["currency"], entry.values["exponent"]) == ("USD", 2)
    assert (entry.values["direction"], entry.values["kind"]) == ("credit", "forward")
    assert json.loads(entry.values["addenda"]) == [["05", f"bonus{'':75}00010000001"]]
    assert entry.emitted is not None
    assert (entry.emitted.key, entry.emitted.name) == ("1234567890", "1/121042880000001")
    assert entry.emitted.fact == PaymentOrdered(
        payment_id="121042880000001",
        account="1234567890",
        amount=Decimal("10.50"),
        currency="USD",
        requested_on=date(2026, 3, 3),
        counterparty="Ada Example",
        counterparty_account="123456789",
        reference="EMP-1",
    )


def test_a_debit_is_an_order_to_collect() -> None:
    [row] = [row for row in handled(paid(code="27", cents=50)).rows if row.emitted]

    assert row.emitted is not None
    assert row.emitted.fact.amount == Decimal("-0.50")


def test_what_came_back_names_the_entry_that_was_sent() -> None:
    [row] = [row for row in handled(RETURNED).rows if row.emitted]

    assert row.emitted is not None
    assert row.emitted.fact == PaymentReturned(
        payment_id="091000010000007",
        account="1234567890",
        amount=Decimal("7.05"),
        currency="USD",
        reason="R01",
        reference="121042880000001",
        returned_on=date(2026, 3, 2),
        return_id="2026-03-03/1/121042880000001/091000010000007",
    )


@pytest.mark.parametrize(
    ("line", "entry_class"),
    [
        (paid(code="23", cents=0), "PPD"),
        (paid(code="21", cents=0, addenda=("798C01091000010000007      09100001987654321",)), "COR"),
        (paid(code="26", addenda=("799R68091000010000007      09100001",)), "PPD"),
    ],
    ids=["a prenote", "a notice of change", "a dishonored return"],
)
def test_what_moves_no_money_is_a_row_and_no_fact(line: Line, entry_class: str) -> None:
    handed = handled(line, entry_class=entry_class)

    assert len(rows(handed, "ach_entries")) == 1
    assert [row for row in handed.rows if row.emitted] == []


def test_batches_files_and_verdicts_have_rows_of_their_own() -> None:
    handed = handled(paid(cents=1050), paid(code="27", cents=50))

    [file] = rows(handed, "ach_files")
    [of_batch] = rows(handed, "ach_batches")
    [verdicts] = rows(handed, "ach_findings")
    assert (file["batches"], file["debit_minor"], file["credit_minor"]) == (1, 50, 1050)
    assert (of_batch["entries"], of_batch["company_id"]) == (2, "1234567890")
    assert (verdicts["schema_verdict"], verdicts["arithmetic_verdict"]) == ("ok", "ok")


def test_a_total_that_does_not_add_up_quarantines_the_file() -> None:
    wrong = file_of(batch(paid(cents=1050))).replace("000000001050", "000000001051")

    with pytest.raises(Refused, match="the control record states 1051, counted are 1050"):
        hand_over(ach, wrong)


def test_a_total_that_does_not_add_up_is_recorded_where_the_source_only_warns() -> None:
    wrong = file_of(batch(paid(cents=1050))).replace("000000001050", "000000001051")

    handed = hand_over(ach, wrong, options={"on_mismatch": "warn"})

    [verdicts] = rows(handed, "ach_findings")
    assert (verdicts["arithmetic_verdict"], verdicts["findings"]) == ("mismatch", 2)


def test_trace_numbers_that_repeat_are_told_apart_where_the_source_is_lenient() -> None:
    records = batch(paid(), paid())
    records[2] = records[1]

    handed = hand_over(ach, file_of(records), options={"strictness": "lenient"})

    names = [row.emitted.name for row in handed.rows if row.emitted]
    assert names == ["1/121042880000001", "1/121042880000001/line 4"]


def test_a_file_is_booked_once_whatever_happens(ingest_bench: Callable[..., Bench]) -> None:
    bench = ingest_bench(ach)
    bench.land("forward.ach", file_of(batch(paid(), paid()), batch(paid(), number=2)))
    bench.land("returns.ach", file_of(batch(RETURNED)))

    bench.assert_idempotent()

    assert len(bench.rows(ENTRIES)) == 4
    assert len(bench.facts(PaymentOrdered)) == 3
    assert len(bench.facts(PaymentReturned)) == 1


def test_a_content_that_begins_with_a_header_record_is_recognised() -> None:
    text = file_of(batch(paid())).encode()

    assert recognise(io.BytesIO(text), {}, "ascii") == "nacha"
    assert recognise(io.BytesIO(text[1:]), {}, "ascii") == ""
    assert recognise(io.BytesIO(text.decode().encode("utf-16")), {}, "utf-16") == "nacha"
    assert recognise(io.BytesIO(b"101 apples\n"), {}, "ascii") == ""
