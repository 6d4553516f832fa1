"""The one model of a bank's account statement, whatever it was written in.

A reader gives, for each statement of a file and in this order: a
`StatementHeader`, its `Balance`s and `Transaction`s as they come, and a
`StatementEnd`; a `Finding` may stand anywhere. So a file of any size is read
in flat memory. Amounts are signed as the account sees them: money that comes
in is positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from processors.formats.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementHeader:
    """Whose statement it is, and which."""

    where: str  # "line 3"
    account: str  # as the bank writes it: an IBAN, or a number
    servicer: str = ""  # BIC or number of the bank
    statement_id: str = ""  # the bank's own name for it
    sequence: str = ""  # its number, "12/1"
    kind: str = "booked"  # "booked": end of day | "interim": intraday | "notification": single entries
    currency: str = ""  # of the account, ISO 4217
    from_date: date | None = None
    to_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A balance the bank states."""

    where: str
    # "opening" | "closing" | "previous_closing" | "opening_available" | "closing_available"
    # | "forward_available" | "interim" | "interim_available" | …
    kind: str
    amount: Decimal  # signed; negative: the account is overdrawn
    currency: str
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A movement on the account, as the bank reports it."""

    where: str
    amount: Decimal  # signed
    currency: str
    booked: date | None
    value: date | None = None
    status: str = "booked"  # "booked" | "pending" | "information"
    is_reversal: bool = False  # the bank takes back what it had booked before
    reference: str = ""  # the bank's own reference of the entry
    end_to_end: str = ""  # the reference the payer gave it
    counterparty: str = ""
    counterparty_account: str = ""
    code: str = ""  # the bank's code for the kind of movement
    text: str = ""  # remittance information
    parts: int = 1  # payments that a batch booking stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEnd:
    """The statement is complete."""

    where: str
    totals: int = 0  # stated, and compared with what the statement comes to


def entry_of(transaction: Transaction) -> dict[str, str]:
    """A movement as an entry of `StatementReceived`: fields as text, without `where` and what is empty."""
    values = {
        "amount": format(transaction.amount, "f"),
        "currency": transaction.currency,
        "booked": "" if transaction.booked is None else transaction.booked.isoformat(),
        "value": "" if transaction.value is None else transaction.value.isoformat(),
        "status": transaction.status,
        "is_reversal": "true" if transaction.is_reversal else "",
        "reference": transaction.reference,
        "end_to_end": transaction.end_to_end,
        "counterparty": transaction.counterparty,
        "counterparty_account": transaction.counterparty_account,
        "code": transaction.code,
        "text": transaction.text,
        "parts": "" if transaction.parts == 1 else str(transaction.parts),
    }
    return {name: text for name, text in values.items() if text}


StatementPart = StatementHeader | Balance | Transaction | StatementEnd | Finding
