"""Payments are matched with invoices, and what follows is told once."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from ingest.errors import UsageError
from ingest.testing import Bench
from processors.facts import InvoicePaid, InvoicePartlyPaid, InvoiceReopened, PaymentSettled, PaymentUnmatched
from processors.reconcile import reconcile, reference_given
from processors.reconciling import INVOICE_PAYMENTS, UNMATCHED
from tests.contract.backwards import read_backwards
from tests.contract.giving import DAY, Given, approved, give, later, long_ago, reversed_, settled, told

MakeBench = Callable[..., Bench]
OUTCOMES = (InvoicePaid, InvoicePartlyPaid, InvoiceReopened, PaymentUnmatched)


def outcomes(bench: Bench) -> list[str]:
    """What came of it, as short words in order."""
    bench.work()
    assert {verdict.error for verdict in bench.verdicts()} == {None}
    return [
        f"{type(fact).__name__} {fact.invoice_id if isinstance(fact, InvoicePaid) else fact.payment_id}"
        for fact in bench.facts()
        if isinstance(fact, OUTCOMES)
    ]


def test_a_payment_that_names_an_approved_invoice_pays_it(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)

    give(bench, [approved("INV-0042"), settled("P-1", "thanks for inv 0042")])

    assert outcomes(bench) == ["InvoicePaid INV-0042"]
    (paid,) = bench.facts(InvoicePaid)
    assert (paid.amount, paid.currency, paid.reference) == (Decimal("100.00"), "EUR", "INV-0042")
    (row,) = bench.rows(INVOICE_PAYMENTS)
    assert (row["invoice_id"], row["payment_id"], row["change"]) == ("INV-0042", "P-1", "matched")


def test_money_that_goes_out_pays_an_invoice_too(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)

    give(bench, [settled("P-1", "INV-0042", "-100.00"), approved("INV-0042")])

    assert outcomes(bench) == ["InvoicePaid INV-0042"]


def test_an_invoice_is_paid_once_its_payments_come_to_its_amount(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)
    parts = [settled(f"P-{n}", "INV-0042", amount) for n, amount in enumerate(["60.00", "30.00", "30.00"])]

    give(bench, [approved("INV-0042"), *parts, settled("P-9", "INV-0042")])

    partly = [f"InvoicePartlyPaid P-{n}" for n in range(3)]
    assert sorted(outcomes(bench)) == ["InvoicePaid INV-0042", *partly]


def test_what_came_in_and_what_went_out_do_not_add_up(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)

    give(bench, [approved("INV-0042"), settled("P-1", "INV-0042", "60"), settled("P-2", "INV-0042", "-60")])

    assert "InvoicePaid INV-0042" not in outcomes(bench)


def test_an_invoice_is_found_by_its_number_and_by_its_reference(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)
    both = [approved("INV-0042", reference="RF18539007547034"), approved("INV-0043", reference="RF712348231")]

    give(bench, [*both, settled("P-1", "inv-0042"), settled("P-2", "RF71 2348 231")])

    assert outcomes(bench) == ["InvoicePaid INV-0042", "InvoicePaid INV-0043"]


def test_approved_twice_an_invoice_is_paid_once(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)
    twice = [approved("INV-0042"), approved("INV-0042", on=DAY + timedelta(days=1))]

    give(bench, [*twice, settled("P-1", "INV-0042"), approved("INV-0042", on=DAY + timedelta(days=2))])

    assert outcomes(bench) == ["InvoicePaid INV-0042"]
    assert len(bench.rows(INVOICE_PAYMENTS)) == 1


@pytest.mark.parametrize(
    ("payment", "options", "reason"),
    [
        (settled("P-1", "INV-0042", currency="USD"), {}, "currency"),
        (settled("P-1", "INV-0042", on=DAY + timedelta(days=31)), {"window_days": 30}, "date"),
        (settled("P-1", "INV-0042"), {"pays": "out"}, "direction"),
        (settled("P-1", "INV-0077"), {}, "no invoice"),
    ],
)
def test_a_payment_that_waited_too_long_is_unmatched_with_the_reason(
    ingest_bench: MakeBench, payment: PaymentSettled, options: dict[str, object], reason: str
) -> None:
    bench = ingest_bench(reconcile, options={**options, "unmatched_after_days": 2})
    long_ago(bench, [approved("INV-0042"), payment])

    later(bench, days=2)
    assert outcomes(bench) == []
    later(bench, days=3)

    assert outcomes(bench) == ["PaymentUnmatched P-1"]
    assert [row["reason"] for row in bench.rows(UNMATCHED)] == [reason]
    bench.assert_replay_changes_nothing()


def test_a_payment_that_is_matched_or_reversed_in_time_is_never_told_as_unmatched(
    ingest_bench: MakeBench,
) -> None:
    bench = ingest_bench(reconcile, options={"unmatched_after_days": 2})
    lost = settled("P-2", "INV-0077")
    long_ago(bench, [settled("P-1", "INV-0042"), lost, approved("INV-0042"), reversed_(lost)])

    later(bench, days=400)

    assert outcomes(bench) == ["InvoicePaid INV-0042"]


def test_an_invoice_that_is_approved_late_is_paid_by_what_waited_for_it(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)
    long_ago(bench, [settled("P-1", "INV-0042")])

    told(bench, reference_given(approved("INV-0042")), after_days=40)

    assert outcomes(bench) == ["InvoicePaid INV-0042"]


def test_a_payment_that_names_nothing_is_unmatched_at_once(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)

    give(bench, [settled("P-1", " ")])

    assert outcomes(bench) == ["PaymentUnmatched P-1"]
    assert bench.facts(PaymentUnmatched)[0].reason == "no reference"


def test_a_payment_that_is_reversed_is_matched_with_nothing_any_more(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)
    first = settled("P-1", "INV-0042")

    give(bench, [approved("INV-0042"), first, reversed_(first), settled("P-1.2", "INV-0042")])

    assert outcomes(bench) == ["InvoicePaid INV-0042", "InvoiceReopened P-1", "InvoicePaid INV-0042"]
    matched = {(row["payment_id"], row["change"]): row["amount"] for row in bench.rows(INVOICE_PAYMENTS)}
    assert sum(matched.values()) == Decimal("100.00")
    assert ("P-1", "unmatched") in matched


def test_a_reversal_that_leaves_enough_reopens_nothing(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)
    first = settled("P-1", "INV-0042")

    give(bench, [approved("INV-0042"), first, settled("P-2", "INV-0042"), reversed_(first)])

    assert outcomes(bench) == ["InvoicePaid INV-0042"]


def test_given_again_replayed_or_killed_in_between_it_comes_to_the_same(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(reconcile)
    first = settled("P-1", "INV-0042", "40")
    some: list[Given] = [settled("P-3", "INV-0042 and INV-0043"), approved("INV-0043"), settled("P-4", "")]
    give(bench, [first, settled("P-2", "INV-0042", "60"), approved("INV-0042"), reversed_(first), *some])

    bench.assert_idempotent()
    with read_backwards():
        bench.assert_replay_changes_nothing()


@pytest.mark.parametrize(
    "options",
    [{"pays": "up"}, {"window_days": -1}, {"window_days": True}, {"unmatched_after_days": "10"}],
)
def test_options_that_it_cannot_work_with_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        reconcile.check_options("reconcile", options)
