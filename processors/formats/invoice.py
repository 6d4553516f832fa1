"""The one model of an invoice or a credit note, in the terms of EN 16931, whatever it was written in.

A reader gives the lines as they come, and the invoice once it is complete; a
`Finding` may stand anywhere. Amounts have the sign the document gives them: a
credit note of 10.00 says 10.00.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from processors.formats.finding import Finding

INVOICE = "invoice"
CREDIT_NOTE = "credit_note"
# UNTDID 1001: the types of document that take an invoice back, as EN 16931 lists them.
CREDIT_NOTES = frozenset(["81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"])


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One line of an invoice."""

    where: str  # "line item 3"
    invoice_id: str
    line_id: str
    amount: Decimal  # net of taxes
    currency: str  # of the document, ISO 4217
    name: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None  # of one unit, or of so many as the document says
    tax_category: str = ""
    tax_rate: Decimal | None = None  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTax:
    """What is owed of one kind of tax."""

    category: str
    rate: Decimal | None  # percent
    taxable: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The totals of an invoice; None: not stated."""

    lines: Decimal | None
    allowances: Decimal | None
    charges: Decimal | None
    without_tax: Decimal | None
    tax: Decimal | None
    with_tax: Decimal | None
    prepaid: Decimal | None
    rounding: Decimal | None
    payable: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who sells, or who buys."""

    name: str = ""
    number: str = ""  # for VAT, else that of the company, else another one
    endpoint: str = ""  # the electronic address


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice or a credit note, without its lines."""

    where: str  # "invoice 1"
    syntax: str  # "ubl" | "cii"
    kind: str  # INVOICE | CREDIT_NOTE
    type_code: str  # UNTDID 1001
    invoice_id: str  # the supplier's number
    issued_on: date
    currency: str  # ISO 4217
    supplier: Party
    customer: Party
    totals: Totals
    taxes: tuple[InvoiceTax, ...]
    line_sum: Decimal  # what its lines come to
    lines: int
    due_on: date | None = None
    payment_reference: str = ""  # to be given with the payment
    buyer_reference: str = ""
    order_reference: str = ""
    payee_account: str = ""
    document_allowances: Decimal = field(default_factory=Decimal)  # those of the whole document, together
    document_charges: Decimal = field(default_factory=Decimal)


InvoicePart = InvoiceLine | Invoice | Finding
