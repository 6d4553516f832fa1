"""The one model of what is ordered from banks and what becomes of it, whatever message says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from processors.formats.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One instruction to pay or to collect."""

    where: str  # "order 3"
    message: str  # "pain.001" | "pain.008" | "pacs.008"
    message_id: str
    group: str  # the payment information it stands in; may be empty
    account: str  # of who orders; may be empty
    orderer: str  # the name of who orders
    amount: Decimal  # positive: the account pays; negative: it collects
    currency: str  # ISO 4217
    requested: date | None
    instruction: str = ""  # the reference its sender gave it
    end_to_end: str = ""  # the reference that goes with it all the way
    transaction: str = ""  # the reference of the first bank
    counterparty: str = ""
    counterparty_account: str = ""
    text: str = ""  # remittance information


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a bank says about an order, about a group of them, or about all of a message."""

    where: str  # "status 3"
    message: str  # "pain.002" | "pacs.002"
    message_id: str  # of the report
    level: str  # "message" | "group" | "order"
    is_whole: bool  # nothing more exact is said about what is inside; always so for an order
    status: str  # "RJCT", "ACSC", …; may be empty: look at what is inside
    reason: str = ""  # the code: "AC04"
    text: str = ""  # what the bank adds
    original_message: str = ""  # the id of the message
    original_kind: str = ""  # "pain.001.001.09"
    original_group: str = ""
    instruction: str = ""
    end_to_end: str = ""
    transaction: str = ""
    account: str = ""  # that the order was given for; may be empty
    amount: Decimal | None = None  # unsigned; None: the bank does not say
    currency: str = ""
    on: date | None = None  # when the report was made


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEnd:
    """The message is complete."""

    where: str
    totals: int = 0  # stated, and compared with what the message comes to


MessagePart = Order | Status | MessageEnd | Finding
