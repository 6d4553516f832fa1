"""When two entries of bank statements are the same movement.

An entry that carries a reference of the bank's own is known by it, its amount,
its currency and its day; any other by its day, amount, currency and text. Equal
ones within one statement are counted: the second is another movement, and
another statement that has two of them speaks of the same two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ingest import PermanentError
from processors.currencies import DECIMALS
from processors.digests import digest
from processors.facts import StatementReceived
from processors.money import RuleBroken, parse_amount

REFERENCES = ("per day", "unique")
# What banks write where there is no reference; spaces, dashes and slashes do not count.
_NONE = re.compile(r"(?:NO|NON|NONE|NA|NIL|NULL)(?:REF|REFERENCE)?|NOTPROVIDED|NOTAVAILABLE|UNKNOWN|0*|X+")
_SEPARATORS = re.compile(r"[\s/._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What moved on an account, as one entry tells it."""

    likeness: str  # 32 hexadecimal digits; the same for entries that may be one movement
    amount: Decimal  # signed, with exactly the decimals of its currency
    currency: str
    booked: date
    value_date: date
    reference: str  # the bank's own; may be empty
    end_to_end: str  # may be empty
    counterparty: str
    text: str

    @property
    def named(self) -> str:
        """By what the payer named it: the end-to-end reference, if any, and the remittance information."""
        told = "" if is_no_reference(self.end_to_end) else self.end_to_end
        return " ".join(filter(None, [told if told not in self.text else "", self.text]))


def is_no_reference(text: str) -> bool:
    """True of what stands where a reference might, and says that there is none."""
    return _NONE.fullmatch(_SEPARATORS.sub("", text).upper()) is not None


def movements(
    statement: StatementReceived, entries: Sequence[Mapping[str, str]], *, references: str
) -> Iterator[Movement]:
    """Those of the `entries` that are booked; what is pending, or for information, moved nothing.

    `references`: "per day" (a bank may use one again on another day), or
    "unique" (it never does). Raises `PermanentError` for an entry that cannot be booked.
    """
    for number, entry in enumerate(entries, start=1):
        if entry.get("status", "booked") == "booked":
            try:
                yield _movement(statement, entry, references)
            except RuleBroken as broken:
                raise PermanentError(
                    f"entry {number} of page {statement.page} cannot be booked: {broken.rule}"
                ) from None


def nth(likeness: str, number: int) -> str:
    """The id of the `number`th movement, from 1, among those that are alike."""
    return digest(likeness, str(number))


def _movement(statement: StatementReceived, entry: Mapping[str, str], references: str) -> Movement:
    currency = entry.get("currency") or statement.currency
    if currency not in DECIMALS:
        raise RuleBroken("currency")
    amount = parse_amount(entry.get("amount", ""), decimals=DECIMALS[currency])
    booked, value = _day(entry, "booked"), _day(entry, "value")
    day = booked or value or statement.to_date or statement.from_date
    if day is None:
        raise RuleBroken("date")
    reference, text = entry.get("reference", ""), " ".join(entry.get("text", "").split())
    what = (format(amount, "f"), currency)
    if is_no_reference(reference):
        likeness = digest(statement.account, "text", *what, day.isoformat(), text)
    else:
        when = "" if references == "unique" else day.isoformat()
        likeness = digest(statement.account, "reference", *what, when, reference)
    return Movement(
        likeness=likeness,
        amount=amount,
        currency=currency,
        booked=day,
        value_date=value or day,
        reference=reference,
        end_to_end=entry.get("end_to_end", ""),
        counterparty=entry.get("counterparty", ""),
        text=text,
    )


def _day(entry: Mapping[str, str], name: str) -> date | None:
    try:
        return date.fromisoformat(entry[name]) if entry.get(name) else None
    except ValueError:
        raise RuleBroken("date") from None
