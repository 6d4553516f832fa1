"""Invoices in the Cross Industry Invoice of UN/CEFACT (D16B), as EN 16931 uses it.

Elements are known by their local names. Lines come before what concerns the
whole document, its currency among it, so the content is read twice.
https://unece.org/trade/uncefact/e-invoice
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

_DOCUMENT = "CrossIndustryInvoice"
_LINE = "IncludedSupplyChainTradeLineItem"
_AGREEMENT, _SETTLEMENT = "ApplicableHeaderTradeAgreement", "ApplicableHeaderTradeSettlement"
_KEPT = ("ExchangedDocumentContext", "ExchangedDocument", _AGREEMENT, _SETTLEMENT)
_WHOLE = (*_KEPT, _LINE)


def read(file: BinaryIO) -> Iterator[InvoicePart]:
    """The lines of each invoice, then the invoice; XML says itself how it is encoded.

    Raises `Refused`: `document` where there is none, `mandatory`, `currency`,
    `amount`, `decimals` for values that are needed, and what `xml_pieces` refuses.
    """
    currencies = list(_currencies(file))
    file.seek(0)
    document: Document | None = None
    count = 0
    for piece in xml_pieces(file, whole=_WHOLE, around=(_DOCUMENT,)):
        if piece.kind == "open" and document is None:
            document = Document(piece.element, count + 1, _KEPT)
            document.values.known_currency(currencies[count])
            count += 1
        elif document is not None and piece.kind == "whole":
            yield from _inside(document, piece)
        elif document is not None and piece.element is document.element:
            yield from _complete(document)
            document = None
    if not count:
        raise Refused("no Cross Industry Invoice stands in the file", rule="document")


def is_cii(head: bytes) -> bool:
    """True where a content that begins so is one of these documents."""
    return _DOCUMENT.encode() in head


def _currencies(file: BinaryIO) -> Iterator[str]:
    """The currency of each document."""
    found, depth = "", 0
    for piece in xml_pieces(file, whole=(_LINE, _SETTLEMENT), around=(_DOCUMENT,)):
        if piece.name == _SETTLEMENT:
            found = found or text_of(piece.element, "InvoiceCurrencyCode")
        elif piece.name == _DOCUMENT:
            depth += 1 if piece.kind == "open" else -1
            if not depth:
                yield found
                found = ""


def _inside(document: Document, piece: Piece) -> Iterator[InvoicePart]:
    if piece.name == _LINE:
        yield from document.counted(_line(document, piece.element))
    else:
        document.keep_content(piece.element)
    yield from document.values.take()


def _line(document: Document, element: etree._Element) -> InvoiceLine:
    values, where = document.values, document.next_line()
    settlement = "SpecifiedLineTradeSettlement"
    total = one_of(element, f"{settlement}/SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount")
    amount = values.needed_amount(total, "the amount of a line", where)
    head = document.one_of("ExchangedDocument")
    quantity = one_of(element, "SpecifiedLineTradeDelivery/BilledQuantity")
    price = "SpecifiedLineTradeAgreement/NetPriceProductTradePrice/ChargeAmount"
    return InvoiceLine(
        where=where,
        invoice_id=values.needed("" if head is None else text_of(head, "ID"), "the number of the invoice"),
        line_id=text_of(element, "AssociatedDocumentLineDocument/LineID")[:MAX_TEXT],
        amount=amount,
        currency=values.currency,
        name=text_of(element, "SpecifiedTradeProduct/Name", "SpecifiedTradeProduct/Description")[:MAX_TEXT],
        quantity=None if quantity is None else values.quantity(quantity, where),
        unit=("" if quantity is None else quantity.get("unitCode") or "")[:MAX_TEXT],
        price=values.number_at(element, price, where),
        tax_category=text_of(element, f"{settlement}/ApplicableTradeTax/CategoryCode")[:MAX_TEXT],
        tax_rate=values.number_at(element, f"{settlement}/ApplicableTradeTax/RateApplicablePercent", where),
    )


def _complete(document: Document) -> Iterator[InvoicePart]:
    values = document.values
    heads = [document.one_of(name) for name in ("ExchangedDocument", _AGREEMENT, _SETTLEMENT)]
    for head, name in zip(heads, ("ExchangedDocument", _AGREEMENT, _SETTLEMENT), strict=True):
        if head is None:
            values.needed("", name)
    invoice = _invoice(document, *[head for head in heads if head is not None])
    yield from values.take()
    yield from checked(invoice)
    yield invoice


def _invoice(
    document: Document, head: etree._Element, agreement: etree._Element, settlement: etree._Element
) -> Invoice:
    values = document.values
    type_code = values.wanted(text_of(head, "TypeCode"), "the type of document")
    if not document.lines:
        values.broken("mandatory", "a line is missing")
    due = text_of(settlement, "SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString")
    account = "SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount"
    return Invoice(
        where=values.where,
        syntax="cii",
        kind=CREDIT_NOTE if type_code in CREDIT_NOTES else INVOICE,
        type_code=type_code,
        invoice_id=values.needed(text_of(head, "ID"), "the number of the invoice"),
        issued_on=values.needed_day(text_of(head, "IssueDateTime/DateTimeString"), "the day of issue"),
        due_on=values.day(due, "the day when it is due"),
        currency=values.currency,
        supplier=_party(one_of(agreement, "SellerTradeParty"), "the supplier", values),
        customer=_party(one_of(agreement, "BuyerTradeParty"), "the customer", values),
        totals=_totals(settlement, values),
        taxes=tuple(_taxes(settlement, values)),
        line_sum=document.line_sum,
        lines=document.lines,
        payment_reference=text_of(settlement, "PaymentReference")[:MAX_TEXT],
        buyer_reference=text_of(agreement, "BuyerReference")[:MAX_TEXT],
        order_reference=text_of(agreement, "BuyerOrderReferencedDocument/IssuerAssignedID")[:MAX_TEXT],
        payee_account=text_of(settlement, f"{account}/IBANID", f"{account}/ProprietaryID")[:MAX_TEXT],
        document_allowances=_of_document(settlement, values, is_charge=False),
        document_charges=_of_document(settlement, values, is_charge=True),
    )


def _party(element: etree._Element | None, name: str, values: Values) -> Party:
    if element is None:
        values.broken("mandatory", f"{name} is missing")
        return Party()
    vat = (
        text_of(registration, "ID")
        for registration in all_of(element, "SpecifiedTaxRegistration")
        if (number := one_of(registration, "ID")) is not None and number.get("schemeID") == "VA"
    )
    others = text_of(
        element, "SpecifiedLegalOrganization/ID", "GlobalID", "ID", "SpecifiedTaxRegistration/ID"
    )
    return Party(
        name=values.wanted(text_of(element, "Name"), name),
        number=(next(filter(None, vat), "") or others)[:MAX_TEXT],
        endpoint=text_of(element, "URIUniversalCommunication/URIID")[:MAX_TEXT],
    )


def _totals(settlement: etree._Element, values: Values) -> Totals:
    element = one_of(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation")

    def stated(path: str) -> Decimal | None:
        return None if element is None else values.amount(one_of(element, path), path)

    for path in ("LineTotalAmount", "TaxBasisTotalAmount", "GrandTotalAmount"):
        if stated(path) is None:
            values.broken("mandatory", f"{path} is missing")
    payable = None if element is None else one_of(element, "DuePayableAmount")
    return Totals(
        lines=stated("LineTotalAmount"),
        allowances=stated("AllowanceTotalAmount"),
        charges=stated("ChargeTotalAmount"),
        without_tax=stated("TaxBasisTotalAmount"),
        tax=_tax_total(element, values),
        with_tax=stated("GrandTotalAmount"),
        prepaid=stated("TotalPrepaidAmount"),
        rounding=stated("RoundingAmount"),
        payable=values.needed_amount(payable, "DuePayableAmount"),
    )


def _tax_total(element: etree._Element | None, values: Values) -> Decimal | None:
    """The total of taxes in the document's currency; another one may stand in that of the tax office."""
    for total in [] if element is None else all_of(element, "TaxTotalAmount"):
        if total.get("currencyID", "") in {"", values.currency}:
            return values.amount(total, "TaxTotalAmount")
    return None


def _taxes(settlement: etree._Element, values: Values) -> Iterator[InvoiceTax]:
    for part in all_of(settlement, "ApplicableTradeTax"):
        taxable = values.amount(one_of(part, "BasisAmount"), "BasisAmount")
        tax = values.amount(one_of(part, "CalculatedAmount"), "CalculatedAmount")
        if taxable is None or tax is None:
            values.broken("mandatory", "an amount of an ApplicableTradeTax is missing")
            continue
        rate = values.number_at(part, "RateApplicablePercent", values.where)
        yield InvoiceTax(
            category=text_of(part, "CategoryCode")[:MAX_TEXT], rate=rate, taxable=taxable, tax=tax
        )


def _of_document(settlement: etree._Element, values: Values, *, is_charge: bool) -> Decimal:
    """Allowances, or charges, of the whole document."""
    wanted = {"true", "1"} if is_charge else {"false", "0"}
    amounts = (
        values.amount(one_of(element, "ActualAmount"), "the amount of an allowance or a charge")
        for element in all_of(settlement, "SpecifiedTradeAllowanceCharge")
        if text_of(element, "ChargeIndicator/Indicator") in wanted
    )
    return add(*amounts)
