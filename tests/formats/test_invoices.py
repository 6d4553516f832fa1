"""Invoices become rows and facts, whole or not at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ingest import PermanentError
from ingest.testing import HandedOver, hand_over
from processors.facts import InvoiceReceived
from processors.invoices import invoices
from tests.formats import invoice_files as files

OFF = files.cii(totals=files.cii_totals(DuePayableAmount="118.98"))


def handled(data: bytes, **options: Any) -> HandedOver:
    return hand_over(invoices, data, options=options)


def rows(handed: HandedOver, table: str) -> list[dict[str, Any]]:
    return [dict(row.values) for row in handed.rows if row.table == table]


def test_an_invoice_becomes_rows_in_minor_units() -> None:
    handed = handled(files.ubl())

    [invoice] = rows(handed, "invoices")
    assert (invoice["invoice_id"], invoice["supplier_id"], invoice["kind"]) == ("R-7", "DE1", "invoice")
    assert (invoice["payable_minor"], invoice["exponent"], invoice["charges_minor"]) == (11_900, 2, None)
    [line] = rows(handed, "invoice_lines")
    assert (line["position"], line["amount_minor"], line["quantity"], line["price"]) == (
        1,
        10_000,
        "4",
        "25.0000",
    )
    [tax] = rows(handed, "invoice_taxes")
    assert (tax["category"], tax["rate"], tax["taxable_minor"], tax["tax_minor"]) == (
        "S",
        "19",
        10_000,
        1_900,
    )
    [verdict] = rows(handed, "invoice_findings")
    assert (verdict["format"], verdict["schema_verdict"], verdict["arithmetic_verdict"]) == (
        "ubl",
        "ok",
        "ok",
    )


def test_it_is_told_in_a_fact_keyed_by_supplier_and_number() -> None:
    emitted = [row.emitted for row in handled(files.cii()).rows if row.emitted]

    assert [(each.key, each.name) for each in emitted] == [("DE1/R-7", "DE1/R-7/invoice 1")]
    assert emitted[0].fact == InvoiceReceived(
        invoice_id="R-7",
        supplier="Nordwind",
        supplier_id="DE1",
        kind="invoice",
        issued_on=date(2026, 3, 2),
        due_on=date(2026, 3, 16),
        currency="EUR",
        total=Decimal("119.00"),
        payable=Decimal("119.00"),
        reference="RF18",
    )


def test_sums_that_do_not_come_out_refuse_it_unless_a_warning_will_do() -> None:
    with pytest.raises(PermanentError, match=r"invoice 1: the payable amount is 118\.98, what it is made of"):
        handled(OFF)

    [verdict] = rows(handled(OFF, on_mismatch="warn"), "invoice_findings")
    assert verdict["arithmetic_verdict"] == "mismatch"


def test_the_format_is_told_by_the_content_or_declared() -> None:
    assert rows(handled(files.cii(), format="cii"), "invoices")
    with pytest.raises(PermanentError, match="does not tell in which format its invoices are"):
        handled(b"<Order/>")


@pytest.mark.parametrize("options", [{"format": "pdf"}, {"strictness": "no"}, {"on_mismatch": "ignore"}])
def test_options_that_mean_nothing_are_refused_before_work_begins(options: dict[str, str]) -> None:
    assert invoices.check is not None
    with pytest.raises(ValueError, match=f"{next(iter(options))} is "):
        invoices.check(options)
