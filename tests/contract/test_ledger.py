from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import PermanentError
from ingest.testing import hand_over
from processors.currencies import DECIMALS
from processors.facts import PaymentReturned, PaymentReversed, PaymentSettled
from processors.ledger import ledger


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
    assert posted(returned(Decimal("12.50"), "USD")) == [
        ("returned:MERCHANT-17", 1250),
        ("clearing:returned:USD", -1250),
    ]


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
