"""Invoices in UBL and in the Cross Industry Invoice: one model, and the sums of EN 16931."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.vetting import Refused
from processors.formats import cii, ubl
from processors.formats.finding import ARITHMETIC, SCHEMA, Finding
from processors.formats.invoice import Invoice, InvoiceLine, InvoicePart, InvoiceTax, Party, Totals
from tests.formats import invoice_files as files

Write = Callable[..., bytes]
BOTH = pytest.mark.parametrize("write", [files.ubl, files.cii], ids=["ubl", "cii"])


def parts(data: bytes) -> list[InvoicePart]:
    read = ubl.read if ubl.is_ubl(data) else cii.read
    return list(read(io.BytesIO(data)))


def the_invoice(data: bytes) -> Invoice:
    [found] = [part for part in parts(data) if isinstance(part, Invoice)]
    return found


def findings(data: bytes) -> list[tuple[str, str, str]]:
    return [(part.verdict, part.rule, part.message) for part in parts(data) if isinstance(part, Finding)]


@BOTH
def test_an_invoice_is_told_in_the_same_terms_whatever_it_is_written_in(write: Write) -> None:
    line, invoice = parts(write())

    assert line == InvoiceLine(
        where="invoice 1, line item 1",
        invoice_id="R-7",
        line_id="1",
        amount=Decimal("100.00"),
        currency="EUR",
        name="Paper",
        quantity=Decimal(4),
        unit="H87",
        price=Decimal("25.0000"),
        tax_category="S",
        tax_rate=Decimal(19),
    )
    assert invoice == Invoice(
        where="invoice 1",
        syntax=write.__name__,
        kind="invoice",
        type_code="380",
        invoice_id="R-7",
        issued_on=date(2026, 3, 2),
        due_on=date(2026, 3, 16),
        currency="EUR",
        supplier=Party(name="Nordwind", number="DE1"),
        customer=Party(name="Globex", number="DE2"),
        totals=Totals(
            lines=Decimal("100.00"),
            allowances=None,
            charges=None,
            without_tax=Decimal("100.00"),
            tax=Decimal("19.00"),
            with_tax=Decimal("119.00"),
            prepaid=None,
            rounding=None,
            payable=Decimal("119.00"),
        ),
        taxes=(InvoiceTax(category="S", rate=Decimal(19), taxable=Decimal("100.00"), tax=Decimal("19.00")),),
        line_sum=Decimal("100.00"),
        lines=1,
        payment_reference="RF18",
        buyer_reference="B-1",
        order_reference="O-1",
        payee_account="DE89",
    )


def test_a_credit_note_is_known_by_its_element_or_its_type() -> None:
    assert the_invoice(files.ubl(root="CreditNote")).kind == "credit_note"
    assert the_invoice(files.ubl(root="CreditNote")).type_code == "381"
    assert the_invoice(files.cii(type_code="381")).kind == "credit_note"


def test_allowances_charges_prepaid_and_rounding_count() -> None:
    charges = files.ubl_charge("10.00", is_charge=False), files.ubl_charge("5.00", is_charge=True)
    totals = files.ubl_totals(
        AllowanceTotalAmount="10.00",
        ChargeTotalAmount="5.00",
        TaxExclusiveAmount="95.00",
        TaxInclusiveAmount="113.05",
        PrepaidAmount="13.00",
        PayableRoundingAmount="-0.05",
        PayableAmount="100.00",
    )
    right = files.ubl(extra="".join(charges), tax=files.ubl_tax("18.05", "95.00"), totals=totals)

    assert findings(right) == []
    assert the_invoice(right).document_charges == Decimal("5.00")


def test_the_same_in_the_other_syntax() -> None:
    charges = files.cii_charge("10.00", is_charge=False), files.cii_charge("10.00", is_charge=True)
    totals = files.cii_totals(
        AllowanceTotalAmount="10.00",
        ChargeTotalAmount="10.00",
        TotalPrepaidAmount="19.00",
        RoundingAmount="0.01",
        DuePayableAmount="100.01",
    )

    assert findings(files.cii(extra="".join(charges), totals=totals)) == []


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        (files.ubl(files.ubl_line("99.98")), "line_total", "the total of the lines is 100.00"),
        (files.cii(files.cii_line("99.98")), "line_total", "the total of the lines is 100.00"),
        (
            files.ubl(extra=files.ubl_charge("1", is_charge=False)),
            "allowances",
            "the total of allowances is 0, what it is made of comes to 1.00",
        ),
        (
            files.ubl(totals=files.ubl_totals(AllowanceTotalAmount="1.00", TaxExclusiveAmount="99.00")),
            "allowances",
            "the total of allowances is 1.00",
        ),
        (
            files.ubl(totals=files.ubl_totals(ChargeTotalAmount="1.00", TaxExclusiveAmount="101.00")),
            "charges",
            "the total of charges is 1.00",
        ),
        (
            files.ubl(totals=files.ubl_totals(TaxExclusiveAmount="100.02")),
            "net_total",
            "the total without taxes is 100.02",
        ),
        (
            files.cii(totals=files.cii_totals(TaxTotalAmount="19.02")),
            "tax_total",
            "the total of taxes is 19.02",
        ),
        (files.ubl(tax=files.ubl_tax("20.01")), "tax", "a tax is 20.01"),
        (
            files.ubl(totals=files.ubl_totals(TaxInclusiveAmount="119.02", PayableAmount="119.02")),
            "gross_total",
            "the total with taxes is 119.02",
        ),
        (
            files.cii(totals=files.cii_totals(DuePayableAmount="118.98")),
            "payable",
            "the payable amount is 118.98",
        ),
    ],
)
def test_each_sum_of_the_standard_is_checked(data: bytes, rule: str, message: str) -> None:
    found = {(verdict, name): said for verdict, name, said in findings(data)}

    assert found[ARITHMETIC, rule].startswith(message)


def test_a_cent_is_no_mismatch() -> None:
    assert (
        findings(files.ubl(files.ubl_line("33.33"), files.ubl_line("33.33"), files.ubl_line("33.33"))) == []
    )


def test_the_tax_may_stand_a_second_time_in_the_currency_of_the_tax_office() -> None:
    other = files.ubl_tax().replace("EUR", "SEK").replace("19.00", "210.00")

    assert the_invoice(files.ubl(tax=other + files.ubl_tax())).totals.tax == Decimal("19.00")


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        (files.ubl().replace(b"CustomizationID", b"OtherID"), "mandatory", "CustomizationID is missing"),
        (
            files.ubl().replace(b"InvoiceTypeCode", b"OtherCode"),
            "mandatory",
            "the type of document is missing",
        ),
        (files.ubl().replace(b"AccountingSupplierParty", b"Other"), "mandatory", "the supplier is missing"),
        (files.cii().replace(b"BuyerTradeParty", b"Other"), "mandatory", "the customer is missing"),
        (
            files.ubl(totals=files.ubl_totals(LineExtensionAmount="")),
            "mandatory",
            "LineExtensionAmount is missing",
        ),
        (
            files.cii(totals=files.cii_totals(TaxBasisTotalAmount="")),
            "mandatory",
            "TaxBasisTotalAmount is missing",
        ),
        (files.ubl(currency=""), "mandatory", "DocumentCurrencyCode is missing"),
        (
            files.ubl(totals=files.ubl_totals(TaxInclusiveAmount="")),
            "mandatory",
            "TaxInclusiveAmount is missing",
        ),
        (files.cii(totals=files.cii_totals(GrandTotalAmount="")), "mandatory", "GrandTotalAmount is missing"),
        (files.ubl().replace(b"2026-03-16", b"2026-02-30"), "date", "the day when it is due is no date"),
        (files.ubl(currency="SEK"), "currency", "PayableAmount is in another currency than the document"),
    ],
)
def test_what_breaks_the_schema_and_can_be_read_is_a_finding(data: bytes, rule: str, message: str) -> None:
    assert (SCHEMA, rule, message) in findings(data)


@BOTH
def test_an_invoice_without_lines_is_a_finding(write: Write) -> None:
    data = write().replace(b"InvoiceLine", b"Other").replace(b"IncludedSupplyChainTradeLineItem", b"Other")

    assert (SCHEMA, "mandatory", "a line is missing") in findings(data)


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        (
            files.ubl(currency="XXX"),
            "currency",
            "invoice 1: the document is in no currency of ISO 4217 that has a minor unit",
        ),
        (
            files.cii(currency=""),
            "currency",
            "invoice 1: the document is in no currency of ISO 4217 that has a minor unit",
        ),
        (
            files.ubl().replace(b"<cbc:ID>R-7</cbc:ID>", b""),
            "mandatory",
            "invoice 1: the number of the invoice is missing, and cannot be done without",
        ),
        (files.cii().replace(b"20260302", b"20260230"), "date", "invoice 1: the day of issue is no date"),
        (
            files.ubl(totals=files.ubl_totals(PayableAmount="")),
            "mandatory",
            "invoice 1: PayableAmount is missing, and cannot be done without",
        ),
        (
            files.ubl(files.ubl_line(), files.ubl_line("1,5")),
            "amount",
            "invoice 1, line item 2: the amount of a line is no number",
        ),
        (
            files.cii(files.cii_line("1.005")),
            "decimals",
            "invoice 1, line item 1: the amount of a line has more decimals than the 2 of its currency",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(data: bytes, rule: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        parts(data)

    assert (caught.value.rule, str(caught.value)) == (rule, message)


def test_another_document_is_refused() -> None:
    with pytest.raises(Refused, match="no invoice or credit note of UBL stands in the file"):
        list(ubl.read(io.BytesIO(b"<Order/>")))
    with pytest.raises(Refused, match="no Cross Industry Invoice stands in the file"):
        list(cii.read(io.BytesIO(b"<Order/>")))


@given(st.data())
def test_no_mutation_does_anything_but_be_read_or_refused(data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from([files.ubl(), files.cii()])))
    read = ubl.read if ubl.is_ubl(bytes(changed)) else cii.read
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))

    with suppress(Refused):
        list(read(io.BytesIO(changed)))


REGISTERED = '<ram:SpecifiedTaxRegistration><ram:ID schemeID="{}">{}</ram:ID></ram:SpecifiedTaxRegistration>'


@pytest.mark.parametrize(
    ("known_by", "number"),
    [(REGISTERED.format("FC", "77/1"), "77/1"), ("<ram:ID>A-1</ram:ID>", "A-1"), ("", "")],
)
def test_a_supplier_without_a_vat_number_is_known_by_another(known_by: str, number: str) -> None:
    written = files.cii().replace(REGISTERED.format("VA", "DE1").encode(), known_by.encode())

    assert the_invoice(written).supplier.number == number
