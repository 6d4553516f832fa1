"""Facts about payments, published for any processor to react to.

An event says what already happened. Once written it is read for years, so a
field may be added but not renamed; what changes its meaning is a new version.
The schemas of these facts lie in `processors/schemas`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from ingest import fact


@fact("ingest.payment.settled", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSettled:
    """A partner says that a payment is settled, and it was booked here for the first time."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    payment_id: str  # unique among all partners
    account: str
    amount: Decimal  # with exactly the decimals of its currency; negative for a refund
    currency: str  # ISO 4217
    value_date: date
    counterparty: str  # may be empty
    reference: str  # may be empty


@fact("ingest.payment.reversed", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReversed:
    """A payment that was told as settled does not stand any more: a corrected statement took its place."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    payment_id: str  # of the settled payment
    account: str
    amount: Decimal  # as it was settled
    currency: str  # ISO 4217
    value_date: date
    reference: str  # as it was settled; may be empty
    reason: str  # "corrected"; an open set of words


@fact("ingest.payment.returned", version=1, minor=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReturned:
    """A bank says that a payment was not carried out, or came back."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    payment_id: str  # of the payment as its sender named it: a trace number, an end-to-end reference
    account: str  # that the payment was ordered for
    amount: Decimal | None  # None: the bank does not say
    currency: str  # ISO 4217; may be empty
    reason: str  # the bank's code: "R01", "AC04"
    reference: str  # the bank's own reference; may be empty
    returned_on: date | None
    return_id: str | None = None  # the same in every file that tells of it; None: nothing sure is known


@fact("ingest.payment.ordered", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOrdered:
    """Somebody has instructed a bank to pay, or to collect."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    payment_id: str  # the end-to-end reference, else the instruction's own, else the trace number
    account: str  # of who orders
    amount: Decimal  # positive: the account pays; negative: it collects
    currency: str  # ISO 4217
    requested_on: date | None
    counterparty: str  # may be empty
    counterparty_account: str  # may be empty
    reference: str  # remittance information; may be empty


@fact("ingest.statement.received", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class StatementReceived:
    """A bank has stated what moved on an account; a long statement is told in pages."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    account: str
    statement: str  # the bank's name for it within the account; the same again is a correction
    kind: str  # "booked" | "interim" | "notification"
    currency: str  # of the account, ISO 4217
    from_date: date | None
    to_date: date | None
    opening: Decimal | None
    closing: Decimal | None
    page: int  # 1, 2, 3, …
    is_last: bool  # no page follows
    entries: list[Mapping[str, str]]  # each the fields of a `Transaction`, as text; empty ones left out
    received_at: datetime | None = None  # when its file landed


@fact("ingest.invoice.received", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceReceived:
    """A supplier has sent an invoice or a credit note."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    invoice_id: str  # the supplier's number
    supplier: str
    supplier_id: str  # VAT or company number; may be empty
    kind: str  # "invoice" | "credit_note"
    issued_on: date
    due_on: date | None
    currency: str  # ISO 4217
    total: Decimal  # with taxes
    payable: Decimal
    reference: str  # to be given with the payment; may be empty


@fact("ingest.invoice.approved", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceApproved:
    """Somebody who may has approved that an invoice is paid."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    invoice_id: str
    amount: Decimal  # to be paid; positive
    currency: str  # ISO 4217
    reference: str  # by which its payments are known; the invoice's number, where nothing else was agreed
    approved_on: date
    due_on: date | None


@fact("ingest.invoice.paid", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaid:
    """The payments matched with an approved invoice come to its amount, or more."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    invoice_id: str
    amount: Decimal  # of the invoice
    currency: str  # ISO 4217
    reference: str


@fact("ingest.invoice.partly_paid", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePartlyPaid:
    """A payment was matched with an approved invoice that it does not pay by itself."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    invoice_id: str
    payment_id: str
    amount: Decimal  # of the payment
    total: Decimal  # of the invoice
    currency: str  # ISO 4217
    reference: str


@fact("ingest.invoice.reopened", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceReopened:
    """An invoice that was told as paid is not: a payment matched with it was reversed."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    invoice_id: str
    payment_id: str  # that was reversed
    amount: Decimal  # of the invoice
    currency: str  # ISO 4217
    reference: str


@fact("ingest.reference.given", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceGiven:
    """A payment or an invoice has named references; all of these stand under one key, in one order."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    by: str  # "settled" | "reversed" | "approved"
    id: str  # of the payment, or of the invoice
    account: str  # of the payment; empty for an invoice
    amount: Decimal
    currency: str  # ISO 4217
    dated: date  # the value date, or when it was approved
    due_on: date | None
    reference: str  # as it was given
    names: list[str]  # what it may be found by, in capitals, without spaces and separators


@fact("ingest.payment.unmatched", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentUnmatched:
    """A settled payment was matched with no approved invoice."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    payment_id: str
    account: str
    amount: Decimal
    currency: str  # ISO 4217
    reference: str
    reason: str  # "no reference" | "no invoice" | "currency" | "date"; an open set of words
