"""Invoices and credit notes in UBL 2.1, as EN 16931 and Peppol BIS Billing 3 use it.

Elements are known by their local names, whatever version their namespaces
name. https://docs.oasis-open.org/ubl/UBL-2.1.html
https://docs.peppol.eu/poacc/billing/3.0/
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from ingest.vetting import Piece, Refused, all_of, one_of, text_of, xml_pieces
from processors.formats.invoice import (
    CREDIT_NOTE,
    CREDIT_NOTES,
    INVOICE,
    Invoice,
    InvoiceLine,
    InvoicePart,
    InvoiceTax,
    Party,
    Totals,
)
from processors.formats.invoice_reader import Document
from processors.formats.invoice_sums import add, checked
from processors.formats.invoice_values import MAX_TEXT, Values

if TYPE_CHECKING:
    from lxml import etree

_DOCUMENTS = ("Invoice", "CreditNote")
_LINES = ("InvoiceLine", "CreditNoteLine")
_WHOLE = (*_LINES, "AdditionalDocumentReference")  # which may hold other files, and is let go of
_KEPT = (
    "CustomizationID",
    "ID",
    "IssueDate",
    "DueDate",
    "InvoiceTypeCode",
    "CreditNoteTypeCode",
    "DocumentCurrencyCode",
    "BuyerReference",
    "OrderReference",
    "AccountingSupplierParty",
    "AccountingCustomerParty",
    "PaymentMeans",
    "AllowanceCharge",
    "TaxTotal",
    "LegalMonetaryTotal",
)


def read(file: BinaryIO) -> Iterator[InvoicePart]:
    """The lines of each invoice, then the invoice; XML says itself how it is encoded.

    Raises `Refused`: `document` where there is none, `mandatory`, `currency`,
    `amount`, `decimals` for values that are needed, and what `xml_pieces` refuses.
    """
    document: Document | None = None
    count = 0
    for piece in xml_pieces(file, whole=_WHOLE, around=_DOCUMENTS):
        if piece.kind == "open" and document is None:
            count += 1
            document = Document(piece.element, count, _KEPT)
        elif document is not None and piece.kind == "whole" and piece.element.getparent() is document.element:
            yield from _inside(document, piece)
        elif document is not None and piece.element is document.element:
            yield from _complete(document)
            document = None
    if not count:
        raise Refused("no invoice or credit note of UBL stands in the file", rule="document")


def is_ubl(head: bytes) -> bool:
    """True where a content that begins so is one of these documents."""
    return b":ubl:schema:xsd:Invoice" in head or b":ubl:schema:xsd:CreditNote" in head


def _inside(document: Document, piece: Piece) -> Iterator[InvoicePart]:
    """A line, before which the head of the document stands."""
    for before in reversed(list(piece.element.itersiblings(preceding=True))):
        document.keep(before)
    if piece.name in _LINES:
        _know_currency(document)
        yield from document.counted(_line(document, piece.element))
    yield from document.values.take()


def _know_currency(document: Document) -> None:
    """The document's currency, else that of its payable amount: UBL itself asks for no other."""
    values = document.values
    if values.currency:
        return
    text = document.text_of("DocumentCurrencyCode")
    totals = document.one_of("LegalMonetaryTotal")
    payable = None if totals is None else one_of(totals, "PayableAmount")
    if not text and payable is not None:
        values.broken("mandatory", "DocumentCurrencyCode is missing")
        text = payable.get("currencyID") or ""
    values.known_currency(text)


def _line(document: Document, element: etree._Element) -> InvoiceLine:
    values, where = document.values, document.next_line()
    amount = values.needed_amount(one_of(element, "LineExtensionAmount"), "the amount of a line", where)
    quantity = one_of(element, "InvoicedQuantity")
    if quantity is None:
        quantity = one_of(element, "CreditedQuantity")
    return InvoiceLine(
        where=where,
        invoice_id=values.needed(document.text_of("ID"), "the number of the invoice"),
        line_id=text_of(element, "ID")[:MAX_TEXT],
        amount=amount,
        currency=values.currency,
        name=text_of(element, "Item/Name", "Item/Description")[:MAX_TEXT],
        quantity=None if quantity is None else values.quantity(quantity, where),
        unit=("" if quantity is None else quantity.get("unitCode") or "")[:MAX_TEXT],
        price=values.number_at(element, "Price/PriceAmount", where),
        tax_category=text_of(element, "Item/ClassifiedTaxCategory/ID")[:MAX_TEXT],
        tax_rate=values.number_at(element, "Item/ClassifiedTaxCategory/Percent", where),
    )


def _complete(document: Document) -> Iterator[InvoicePart]:
    for rest in document.element:
        document.keep(rest)
    invoice = _invoice(document)
    yield from document.values.take()
    yield from checked(invoice)
    yield invoice


def _invoice(document: Document) -> Invoice:
    values = document.values
    invoice_id = values.needed(document.text_of("ID"), "the number of the invoice")
    issued_on = values.needed_day(document.text_of("IssueDate"), "the day of issue")
    _know_currency(document)
    type_code = values.wanted(
        document.text_of("InvoiceTypeCode", "CreditNoteTypeCode"), "the type of document"
    )
    values.wanted(document.text_of("CustomizationID"), "CustomizationID")
    is_credit = document.element.tag.endswith("CreditNote") or type_code in CREDIT_NOTES
    if not document.lines:
        values.broken("mandatory", "a line is missing")
    means = document.one_of("PaymentMeans")
    due = document.text_of("DueDate") or ("" if means is None else text_of(means, "PaymentDueDate"))
    return Invoice(
        where=values.where,
        syntax="ubl",
        kind=CREDIT_NOTE if is_credit else INVOICE,
        type_code=type_code[:MAX_TEXT],
        invoice_id=invoice_id,
        issued_on=issued_on,
        due_on=values.day(due, "the day when it is due"),
        currency=values.currency,
        supplier=_party(document.one_of("AccountingSupplierParty"), "the supplier", values),
        customer=_party(document.one_of("AccountingCustomerParty"), "the customer", values),
        totals=_totals(document),
        taxes=tuple(_taxes(document)),
        line_sum=document.line_sum,
        lines=document.lines,
        payment_reference="" if means is None else text_of(means, "PaymentID")[:MAX_TEXT],
        buyer_reference=document.text_of("BuyerReference")[:MAX_TEXT],
        order_reference=_order(document)[:MAX_TEXT],
        payee_account="" if means is None else text_of(means, "PayeeFinancialAccount/ID")[:MAX_TEXT],
        document_allowances=_of_document(document, is_charge=False),
        document_charges=_of_document(document, is_charge=True),
    )


def _order(document: Document) -> str:
    order = document.one_of("OrderReference")
    return "" if order is None else text_of(order, "ID")


def _party(element: etree._Element | None, name: str, values: Values) -> Party:
    party = None if element is None else one_of(element, "Party")
    if party is None:
        values.broken("mandatory", f"{name} is missing")
        return Party()
    vat = (
        text_of(scheme, "CompanyID")
        for scheme in all_of(party, "PartyTaxScheme")
        if text_of(scheme, "TaxScheme/ID") in {"VAT", ""}
    )
    others = text_of(party, "PartyLegalEntity/CompanyID", "PartyIdentification/ID", "EndpointID")
    return Party(
        name=values.wanted(text_of(party, "PartyLegalEntity/RegistrationName", "PartyName/Name"), name),
        number=(next(filter(None, vat), "") or others)[:MAX_TEXT],
        endpoint=text_of(party, "EndpointID")[:MAX_TEXT],
    )


def _totals(document: Document) -> Totals:
    element, values = document.one_of("LegalMonetaryTotal"), document.values

    def stated(path: str) -> Decimal | None:
        return None if element is None else values.amount(one_of(element, path), path)

    for path in ("LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount"):
        if stated(path) is None:
            values.broken("mandatory", f"{path} is missing")
    total = _tax_total(document)
    payable = None if element is None else one_of(element, "PayableAmount")
    return Totals(
        lines=stated("LineExtensionAmount"),
        allowances=stated("AllowanceTotalAmount"),
        charges=stated("ChargeTotalAmount"),
        without_tax=stated("TaxExclusiveAmount"),
        tax=None if total is None else values.amount(one_of(total, "TaxAmount"), "TaxAmount"),
        with_tax=stated("TaxInclusiveAmount"),
        prepaid=stated("PrepaidAmount"),
        rounding=stated("PayableRoundingAmount"),
        payable=values.needed_amount(payable, "PayableAmount"),
    )


def _tax_total(document: Document) -> etree._Element | None:
    """The total of taxes in the document's currency; another one may stand in that of the tax office."""
    for total in document.all_of("TaxTotal"):
        amount = one_of(total, "TaxAmount")
        if amount is not None and amount.get("currencyID", "") in {"", document.values.currency}:
            return total
    return None


def _taxes(document: Document) -> Iterator[InvoiceTax]:
    total, values = _tax_total(document), document.values
    for part in [] if total is None else all_of(total, "TaxSubtotal"):
        taxable = values.amount(one_of(part, "TaxableAmount"), "TaxableAmount")
        tax = values.amount(one_of(part, "TaxAmount"), "TaxAmount")
        if taxable is None or tax is None:
            values.broken("mandatory", "an amount of a TaxSubtotal is missing")
            continue
        rate = values.number_at(part, "TaxCategory/Percent", values.where)
        yield InvoiceTax(
            category=text_of(part, "TaxCategory/ID")[:MAX_TEXT], rate=rate, taxable=taxable, tax=tax
        )


def _of_document(document: Document, *, is_charge: bool) -> Decimal:
    """Allowances, or charges, of the whole document."""
    values, wanted = document.values, {"true", "1"} if is_charge else {"false", "0"}
    amounts = (
        values.amount(one_of(element, "Amount"), "the amount of an allowance or a charge")
        for element in document.all_of("AllowanceCharge")
        if text_of(element, "ChargeIndicator") in wanted
    )
    return add(*amounts)
