"""The samples of statements, orders and invoices become what their README says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import Processor
from ingest.testing import HandedOver, hand_over
from ingest.vetting import Refused
from processors.invoices import invoices
from processors.payment_orders import payment_orders
from processors.statements import statements

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data" / "formats"


def handled(function: Processor, name: str) -> HandedOver:
    return hand_over(function, (SAMPLES / function.function.__name__ / name).read_bytes())


def count(handed: HandedOver, table: str) -> int:
    return sum(row.table == table for row in handed.rows)


def test_the_honest_ones_are_taken() -> None:
    statement = handled(statements, "camt053.xml")
    orders = handled(payment_orders, "pain001.xml")
    report = handled(payment_orders, "pain002-one-rejected.xml")
    ubl, cii = handled(invoices, "ubl.xml"), handled(invoices, "cii.xml")

    assert (count(statement, "transactions"), len(statement.facts)) == (4, 1)
    assert (count(orders, "payment_orders"), len(orders.facts)) == (2, 2)
    assert (count(report, "payment_statuses"), len(report.facts)) == (3, 1)
    assert (count(ubl, "invoice_lines"), count(cii, "invoice_lines")) == (2, 1)


@pytest.mark.parametrize(
    ("function", "name", "rule"),
    [
        (statements, "camt053-off-by-ten.xml", "closing_balance"),
        (payment_orders, "pain001-sum-off.xml", "control_total"),
        (invoices, "ubl-digits-swapped.xml", "payable"),
        (invoices, "cii-no-currency.xml", "currency"),
    ],
)
def test_the_broken_ones_are_refused(function: Processor, name: str, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        handled(function, name)

    assert caught.value.rule == rule
