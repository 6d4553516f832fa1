"""Whatever becomes known first: the same payments are matched with the same invoices, and the same is told.

Many worlds are worked on one bench, in names of their own, so that each order costs no store of its own.
The oracle asks of each payment and invoice whether the one names the other, and adds up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.testing import Bench
from processors.facts import (
    InvoiceApproved,
    InvoicePaid,
    InvoicePartlyPaid,
    InvoiceReopened,
    PaymentReversed,
    PaymentSettled,
    PaymentUnmatched,
)
from processors.reconcile import reconcile
from processors.reconciling import INVOICE_PAYMENTS
from tests.contract.giving import DAY, Given, approved, give, reversed_, settled

MakeBench = Callable[..., Bench]
World = Sequence[Given]
LATE = DAY + timedelta(days=91)
SMALL: dict[str, list[Given]] = {
    "in two parts, and one that names another": [
        approved("INV-1001"),
        settled("P-1", "INV 1001 first part", "60.00"),
        settled("P-2", "inv-1001", "40.00"),
        settled("P-3", "INV-1002", "100.00"),
    ],
    "one payment names two invoices": [
        approved("INV-1001", "30.00"),
        approved("INV-1002", "70.00"),
        settled("P-1", "INV-1001 INV-1002", "-100.00"),
        settled("P-2", "INV-1002 rest", "-1.00"),
    ],
    "wrong currency, too late, nothing named": [
        approved("INV-1001"),
        settled("P-1", "INV-1001", currency="USD"),
        settled("P-2", "INV-1001", on=LATE),
        settled("P-3", ""),
    ],
    "one is reversed and comes again": [
        approved("INV-1001"),
        settled("P-1", "INV-1001"),
        reversed_(settled("P-1", "INV-1001")),
        settled("P-1.2", "INV-1001", "50.00"),
    ],
}


def renamed(fact: Given, world: int) -> Given:
    """The same in a world of its own, into which no name of another leads."""
    other = fact.reference
    for typed in ("INV-", "INV ", "inv-"):
        other = other.replace(typed, f"W{world}X{typed[-1]}")
    if isinstance(fact, InvoiceApproved):
        return replace(fact, invoice_id=fact.invoice_id.replace("INV-", f"W{world}X-"), reference=other)
    return replace(fact, payment_id=f"{world}/{fact.payment_id}", reference=other)


def known(fact: Any, world: int) -> tuple[Any, ...] | None:
    """What is told of that world, without its name; None of another."""
    invoice_id, payment_id = getattr(fact, "invoice_id", ""), getattr(fact, "payment_id", "")
    if not (invoice_id.startswith(f"W{world}X-") or payment_id.startswith(f"{world}/")):
        return None
    invoice = invoice_id.removeprefix(f"W{world}X-")
    return (
        type(fact).__name__,
        invoice,
        payment_id.removeprefix(f"{world}/"),
        str(fact.amount),
        getattr(fact, "reason", ""),
    )


def work(bench: Bench, worlds: Sequence[World]) -> list[tuple[Counter[Any], Counter[Any]]]:
    """Of each world: what was told, and which payments stand as matched with which invoice."""
    for number, world in enumerate(worlds):
        give(bench, [renamed(fact, number) for fact in world], key=f"world {number}")
    bench.work()
    assert {verdict.error for verdict in bench.verdicts()} <= {None}
    kinds = (InvoicePaid, InvoicePartlyPaid, InvoiceReopened, PaymentUnmatched)
    facts = [fact for fact in bench.facts() if isinstance(fact, kinds)]
    rows = bench.rows(INVOICE_PAYMENTS)
    found = []
    for number in range(len(worlds)):
        told = Counter(one for fact in facts if (one := known(fact, number)))
        matched: Counter[Any] = Counter()
        for row in rows:
            if row["invoice_id"].startswith(f"W{number}X-"):
                sign = 1 if row["change"] == "matched" else -1
                matched[row["invoice_id"].split("-")[1], row["payment_id"].split("/")[1]] += sign
        found.append((told, +matched))
    return found


def net(told: Counter[Any], world: World) -> Counter[Any]:
    """What is left where reversed payments are nothing, and each reopening takes back that it was paid."""
    gone = {fact.payment_id for fact in world if isinstance(fact, PaymentReversed)}
    left: Counter[Any] = Counter()
    for (kind, invoice, payment, amount, reason), count in told.items():
        if kind == "InvoiceReopened":
            left["InvoicePaid", invoice, "", amount, ""] -= count
        elif payment not in gone:
            left[kind, invoice, payment, amount, reason] += count
    return +left


def expected(world: World) -> tuple[Counter[Any], Counter[Any]]:
    """What is told in the end of payments that stand, and what is matched, by the rules alone."""
    gone = {fact.payment_id for fact in world if isinstance(fact, PaymentReversed)}
    payments = [f for f in world if isinstance(f, PaymentSettled) and f.payment_id not in gone]
    told: Counter[Any] = Counter()
    matched: Counter[Any] = Counter()
    for invoice in (fact for fact in world if isinstance(fact, InvoiceApproved)):
        number = invoice.invoice_id.removeprefix("INV-")
        paying = [one for one in payments if names_it(one, number) and one.currency == invoice.currency]
        paying = [one for one in paying if abs(one.value_date - invoice.approved_on) <= timedelta(days=90)]
        matched.update((number, one.payment_id) for one in paying)
        for one in paying:
            if abs(one.amount) < invoice.amount:
                told["InvoicePartlyPaid", number, one.payment_id, str(one.amount), ""] += 1
        incoming = sum((one.amount for one in paying if one.amount > 0), Decimal())
        outgoing = -sum((one.amount for one in paying if one.amount < 0), Decimal())
        if max(incoming, outgoing) >= invoice.amount:
            told["InvoicePaid", number, "", str(invoice.amount), ""] += 1
    for one in payments:
        if not one.reference:
            told["PaymentUnmatched", "", one.payment_id, str(one.amount), "no reference"] += 1
    return told, matched


def names_it(payment: PaymentSettled, number: str) -> bool:
    text = payment.reference.upper().replace("INV ", "INV-")
    return f"INV-{number}" in text.split()


@pytest.mark.parametrize("name", SMALL)
def test_every_order_of_a_few_comes_to_the_same(ingest_bench: MakeBench, name: str) -> None:
    world = SMALL[name]
    orders = [list(order) for order in permutations(world)]

    found = work(ingest_bench(reconcile), orders)

    wanted, matched = expected(world)
    assert [net(told, world) for told, _ in found] == [wanted] * len(orders)
    assert [stands for _, stands in found] == [matched] * len(orders)
    if not any(isinstance(fact, PaymentReversed) for fact in world):
        assert [told for told, _ in found] == [wanted] * len(orders)


NUMBERS = st.sampled_from(["1001", "1002", "1003"])
AMOUNTS = st.sampled_from(["10.00", "20.00", "30.00", "-10.00", "-30.00"])


@st.composite
def worlds(draw: st.DrawFn) -> list[list[Given]]:
    """A few facts, in four orders."""
    numbers = draw(st.lists(NUMBERS, max_size=3, unique=True))
    totals = st.sampled_from(["10.00", "30.00"])
    facts: list[Given] = [approved(f"INV-{number}", draw(totals)) for number in numbers]
    for place in range(draw(st.integers(0, 6))):
        named = draw(st.lists(NUMBERS, max_size=2, unique=True))
        text = " ".join(draw(st.sampled_from(["INV-{}", "inv-{}", "INV {}"])).format(one) for one in named)
        currency = draw(st.sampled_from(["EUR", "EUR", "USD"]))
        on = draw(st.sampled_from([DAY, DAY, LATE]))
        payment = settled(f"P-{place}", text, draw(AMOUNTS), currency=currency, on=on)
        facts.append(payment)
        if draw(st.booleans()):
            facts.append(reversed_(payment))
    return [facts] + [draw(st.permutations(facts)) for _ in range(3)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=worlds())
def test_any_order_of_many_comes_to_the_same(ingest_bench: MakeBench, orders: list[list[Given]]) -> None:
    found = work(ingest_bench(reconcile), orders)

    told, matched = expected(orders[0])
    assert [net(each, orders[0]) for each, _ in found] == [told] * len(orders)
    assert [stands for _, stands in found] == [matched] * len(orders)
