from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import PermanentError
from ingest.testing import Bench, hand_over
from processors.ach import ach
from processors.currencies import DECIMALS
from processors.facts import PaymentReturned, PaymentReversed, PaymentSettled
from processors.ledger import RETURNS, ledger
from processors.payment_orders import payment_orders
from tests.formats.achfiles import batch, file_of, paid

SAMPLES = Path(__file__).parents[2] / "sample_data" / "formats"


def settled(amount: Decimal, currency: str) -> PaymentSettled:
    return PaymentSettled(
        payment_id="P-1",
        account="MERCHANT-17",
        amount=amount,
        currency=currency,
        value_date=date(2026, 3, 2),
        counterparty="",
        reference="",
    )


def test_a_payment_is_posted_to_its_account_and_against_the_clearing_account() -> None:
    postings = hand_over(ledger, settled(Decimal("-12.50"), "EUR")).rows

    assert [dict(posting.values) for posting in postings] == [
        {"payment_id": "P-1", "account": "MERCHANT-17", "currency": "EUR", "amount_minor": -1250},
        {"payment_id": "P-1", "account": "clearing:EUR", "currency": "EUR", "amount_minor": 1250},
    ]
    assert {posting.table for posting in postings} == {"ledger_postings"}


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.sampled_from(sorted(DECIMALS)))
def test_every_payment_has_two_postings_that_cancel_out_to_the_last_unit(minor: int, currency: str) -> None:
    postings = hand_over(ledger, settled(Decimal(f"{minor}E-{DECIMALS[currency]}"), currency)).rows

    assert [posting.values["amount_minor"] for posting in postings] == [minor, -minor]


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(Decimal("0.5"), "JPY"), (Decimal(1), "XAU"), (Decimal(2**63), "JPY"), (Decimal(-(2**63)), "JPY")],
)
def test_an_amount_that_cannot_be_posted_exactly_is_refused(amount: Decimal, currency: str) -> None:
    with pytest.raises(PermanentError):
        hand_over(ledger, settled(amount, currency))


def posted(fact: object) -> list[tuple[str, int]]:
    rows = hand_over(ledger, fact).rows
    return [(row.values["account"], row.values["amount_minor"]) for row in rows]


def test_a_reversed_payment_is_posted_with_the_other_sign() -> None:
    before = settled(Decimal("12.50"), "EUR")
    after = PaymentReversed(
        payment_id=before.payment_id,
        account=before.account,
        amount=before.amount,
        currency=before.currency,
        value_date=before.value_date,
        reference="",
        reason="corrected",
    )

    assert posted(after) == [(account, -minor) for account, minor in posted(before)]


def returned(amount: Decimal | None, currency: str) -> PaymentReturned:
    return PaymentReturned(
        payment_id="T-1",
        account="MERCHANT-17",
        amount=amount,
        currency=currency,
        reason="R01",
        reference="",
        returned_on=None,
    )


def test_a_returned_payment_is_posted_beside_its_account_which_a_statement_moves() -> None:
    rows = hand_over(ledger, returned(Decimal("12.50"), "USD")).rows

    assert {row.table for row in rows} == {"ledger_returns"}
    assert posted(returned(Decimal("12.50"), "USD")) == [("MERCHANT-17", 1250), ("clearing:USD", -1250)]


def came_back(cents: int, *, of: str = "Ada Example", count: int = 1, day: str = "260303") -> str:
    """A file of returns, the first `count` of what was to be paid on a day."""
    line = paid(code="26", cents=cents, name=of, addenda=("799R01091000010000007      09100001",))
    return file_of(batch(*[line] * count, effective=day))


def stands(bench: Bench) -> list[tuple[str, int]]:
    """What the rows of each return come to."""
    sums = Counter[tuple[str, str]]()
    for row in bench.rows(RETURNS):
        sums[row["returned"], row["account"]] += row["amount_minor"]
    return sorted((account, minor) for (_, account), minor in sums.items())


ONE_RETURN = [("1234567890", 705), ("clearing:USD", -705)]


def test_a_return_that_is_told_again_or_by_a_corrected_file_is_posted_once(
    ingest_bench: Callable[..., Bench],
) -> None:
    bench = ingest_bench(ach, ledger)
    bench.land("returned.ach", came_back(705))
    bench.work()
    bench.land("sent again.ach", came_back(705) + "\n")
    bench.land("returned.ach", came_back(705, of="Ada Lovelace"))
    bench.work()

    assert stands(bench) == ONE_RETURN


def test_two_returns_of_one_file_are_two(ingest_bench: Callable[..., Bench]) -> None:
    bench = ingest_bench(ach, ledger)
    bench.land("returned.ach", came_back(705, count=2))
    bench.work()

    assert stands(bench) == sorted(ONE_RETURN * 2)


def test_returns_of_two_days_are_two_though_both_days_count_from_one(
    ingest_bench: Callable[..., Bench],
) -> None:
    bench = ingest_bench(ach, ledger)
    bench.land("tuesday.ach", came_back(705))
    bench.land("wednesday.ach", came_back(705, day="260304"))
    bench.work()

    assert stands(bench) == sorted(ONE_RETURN * 2)


def test_of_a_return_that_is_corrected_the_difference_is_posted(ingest_bench: Callable[..., Bench]) -> None:
    bench = ingest_bench(ach, ledger)
    bench.land("returned.ach", came_back(705))
    bench.work()
    bench.land("returned.ach", came_back(507))
    bench.work()
    bench.land("returned.ach", came_back(705) + "\n")
    bench.work()

    assert stands(bench) == [("1234567890", 507), ("clearing:USD", -507)]
    assert [row["amount_minor"] for row in bench.rows(RETURNS)] == [705, -705, -198, 198]
    bench.assert_idempotent()
    bench.assert_replay_changes_nothing()


def test_a_return_that_is_told_in_another_currency_is_posted_in_that_one_only(
    ingest_bench: Callable[..., Bench],
) -> None:
    bench = ingest_bench(ledger)
    bench.emit(replace(returned(Decimal("12.50"), "USD"), return_id="T-1"), key="MERCHANT-17", name="first")
    bench.emit(replace(returned(Decimal(9), "JPY"), return_id="T-1"), key="MERCHANT-17", name="corrected")
    bench.work()

    sums = Counter[tuple[str, str]]()
    for row in bench.rows(RETURNS):
        sums[row["account"], row["currency"]] += row["amount_minor"]
    assert +sums == {("MERCHANT-17", "JPY"): 9}
    assert -sums == {("clearing:JPY", "JPY"): 9}


REPORT = (SAMPLES / "payment_orders" / "pain002-one-rejected.xml").read_text()


@pytest.mark.parametrize(
    ("again", "amounts"),
    [
        (REPORT + "\n", [4050, -4050]),
        (REPORT.replace("HAVEN-R-88", "HAVEN-R-89"), [4050, -4050]),
        (REPORT.replace("HAVEN-R-88", "HAVEN-R-89").replace("40.50", "39.00"), [3900, -3900]),
        (REPORT.replace("ACME-20260302", "ACME-20260309"), [4050, 4050, -4050, -4050]),
        (REPORT.replace("ACME-P-302", "ACME-P-303"), [4050, 4050, -4050, -4050]),
    ],
    ids=["again", "in another report", "corrected", "of another message", "of another order"],
)
def test_a_rejection_is_posted_once_whatever_reports_tell_of_it(
    ingest_bench: Callable[..., Bench], again: str, amounts: list[int]
) -> None:
    bench = ingest_bench(payment_orders, ledger)
    bench.land("status.xml", REPORT)
    bench.land("status again.xml", again)
    bench.work()

    assert [minor for _, minor in stands(bench)] == amounts


def test_orders_whose_references_read_the_same_in_a_row_are_two(ingest_bench: Callable[..., Bench]) -> None:
    bench = ingest_bench(payment_orders, ledger)
    for group, order in (("A", "B/C"), ("A/B", "C")):
        told = REPORT.replace(">ACME-20260302-1<", f">{group}<").replace(">ACME-P-302<", f">{order}<")
        bench.land(f"{len(order)}.xml", told)
    bench.work()

    assert [minor for _, minor in stands(bench)] == [4050, 4050, -4050, -4050]


def test_rejections_that_nothing_tells_apart_are_as_many_as_reports(
    ingest_bench: Callable[..., Bench],
) -> None:
    bench = ingest_bench(payment_orders, ledger)
    nameless = REPORT.replace("ACME-P-302", "NOTPROVIDED")
    bench.land("status.xml", nameless)
    bench.land("another status.xml", nameless.replace("HAVEN-R-88", "HAVEN-R-89"))
    bench.work()

    assert [minor for _, minor in stands(bench)] == [4050, 4050, -4050, -4050]


@pytest.mark.parametrize(("amount", "currency"), [(None, "USD"), (Decimal(1), "")])
def test_a_return_whose_amount_the_bank_does_not_say_is_not_posted(
    amount: Decimal | None, currency: str
) -> None:
    assert posted(returned(amount, currency)) == []


def test_the_ledger_reacts_to_what_moves_money_and_to_nothing_else() -> None:
    assert ledger.accepts == (
        "ingest.payment.settled.v1",
        "ingest.payment.returned.v1",
        "ingest.payment.reversed.v1",
    )
