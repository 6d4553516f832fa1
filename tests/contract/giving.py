"""Facts for `reconcile`, each under one key, so that a test decides in which order they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ingest.domain import codec
from ingest.store import outbox
from ingest.testing import Bench
from processors.facts import InvoiceApproved, PaymentReversed, PaymentSettled, ReferenceGiven
from processors.reconcile import reference_given

Given = PaymentSettled | PaymentReversed | InvoiceApproved
DAY = date(2026, 3, 2)


def settled(
    id_: str, reference: str, amount: str = "100.00", *, currency: str = "EUR", on: date = DAY
) -> PaymentSettled:
    return PaymentSettled(
        payment_id=id_,
        account="A",
        amount=Decimal(amount),
        currency=currency,
        value_date=on,
        counterparty="",
        reference=reference,
    )


def reversed_(payment: PaymentSettled) -> PaymentReversed:
    return PaymentReversed(
        payment_id=payment.payment_id,
        account=payment.account,
        amount=payment.amount,
        currency=payment.currency,
        value_date=payment.value_date,
        reference=payment.reference,
        reason="corrected",
    )


def approved(
    id_: str, amount: str = "100.00", *, reference: str = "", currency: str = "EUR", on: date = DAY
) -> InvoiceApproved:
    return InvoiceApproved(
        invoice_id=id_,
        amount=Decimal(amount),
        currency=currency,
        reference=reference or id_,
        approved_on=on,
        due_on=None,
    )


def give(bench: Bench, facts: Sequence[Given], *, key: str = "all") -> None:
    """The facts stand, one after another; those of one key are worked in this order."""
    for number, fact in enumerate(facts):
        bench.emit(fact, key=key, name=f"{key}/{number}")


def told(bench: Bench, given: ReferenceGiven, *, after_days: int) -> None:
    """What a fact names was told so many days after a day long ago."""
    moment = datetime(2025, 3, 2, 12, tzinfo=UTC) + timedelta(days=after_days)
    event = codec.new_event(
        given,
        id=f"{given.by} {given.id}",
        source="/ingest/bench",
        subject=given.id,
        time=moment,
        partitionkey="reconcile",
    )
    with bench._open() as store, store.write() as tx:  # no bench lets days pass
        outbox.append(tx, [outbox.draft(event, origin="bench")], now=store.now())
    bench.work()


def long_ago(bench: Bench, facts: Sequence[Given]) -> None:
    """What these facts name was told on that day."""
    for fact in facts:
        told(bench, reference_given(fact), after_days=0)


def later(bench: Bench, *, days: int) -> None:
    """Something that names nothing was told, this many days after it."""
    nothing = replace(reference_given(approved(f"after {days}")), names=[])
    told(bench, nothing, after_days=days)
