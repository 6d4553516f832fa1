"""Amounts, numbers, days and references as invoices write them."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from ingest.vetting import Refused, text_of
from processors.currencies import DECIMALS
from processors.formats.finding import SCHEMA, Finding

if TYPE_CHECKING:
    from lxml import etree

MAX_REFERENCE = 200  # characters of an invoice's number; a longer one is refused
MAX_TEXT = 1_000  # characters that are kept of a name or a text
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?|[+-]?\.[0-9]{1,18}")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_PLAIN_DAY = re.compile(r"[0-9]{8}")


class Values:
    """Reads the values of one invoice and keeps what is wrong with them."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.currency = ""  # of the document, once it is known
        self._findings: list[Finding] = []

    def take(self) -> list[Finding]:
        """What was noted since the last time."""
        found, self._findings = self._findings, []
        return found

    def broken(self, rule: str, message: str, where: str = "") -> None:
        """A rule is broken, but the document can be read."""
        self._findings.append(Finding(verdict=SCHEMA, rule=rule, message=message, where=where or self.where))

    def needed(self, text: str, name: str) -> str:
        """`text`, which must be there. Raises `Refused` (`mandatory`, `length`)."""
        if not text:
            raise Refused(
                f"{name} is missing, and cannot be done without", rule="mandatory", where=self.where
            )
        if len(text) > MAX_REFERENCE:
            message = f"a reference of more than {MAX_REFERENCE} characters"
            raise Refused(message, rule="length", where=self.where)
        return text

    def wanted(self, text: str, name: str) -> str:
        """`text`, as much as is kept of it; that it is missing is a finding."""
        if not text:
            self.broken("mandatory", f"{name} is missing")
        return text[:MAX_TEXT]

    def known_currency(self, text: str) -> str:
        """The currency of the document. Raises `Refused`."""
        if text not in DECIMALS:
            message = "the document is in no currency of ISO 4217 that has a minor unit"
            raise Refused(message, rule="currency", where=self.where)
        self.currency = text
        return text

    def amount(self, element: etree._Element | None, name: str, where: str = "") -> Decimal | None:
        """The amount in `element`, with the decimals of the document's currency; None where there is none.

        Raises `Refused` (`amount`, `decimals`).
        """
        text = "" if element is None else (element.text or "").strip()
        if element is None or not text:
            return None
        where = where or self.where
        stated = (element.get("currencyID") or "").strip()
        if stated and self.currency and stated != self.currency:
            self.broken("currency", f"{name} is in another currency than the document", where)
        return self.exact(self.number(text, name, where), name, where)

    def needed_amount(self, element: etree._Element | None, name: str, where: str = "") -> Decimal:
        """The amount in `element`, which must be there. Raises as `amount` does, and `mandatory`."""
        amount = self.amount(element, name, where)
        if amount is None:
            message = f"{name} is missing, and cannot be done without"
            raise Refused(message, rule="mandatory", where=where or self.where)
        return amount

    def exact(self, amount: Decimal, name: str, where: str = "") -> Decimal:
        """`amount` with the decimals of the document's currency. Raises `Refused` (`decimals`)."""
        decimals = DECIMALS.get(self.currency, 2)
        numerator, denominator = amount.as_integer_ratio()
        minor, rest = divmod(numerator * 10**decimals, denominator)
        if rest:
            message = f"{name} has more decimals than the {decimals} of its currency"
            raise Refused(message, rule="decimals", where=where or self.where)
        return Decimal(f"{minor}E-{decimals}")

    def number(self, text: str, name: str, where: str = "") -> Decimal:
        """The number that `text` spells. Raises `Refused` (`amount`)."""
        if not _NUMBER.fullmatch(text):
            raise Refused(f"{name} is no number", rule="amount", where=where or self.where)
        return Decimal(text)

    def quantity(self, element: etree._Element, where: str) -> Decimal | None:
        """How many: None where it is not said. Raises `Refused` (`amount`)."""
        text = (element.text or "").strip()
        return self.number(text, "a quantity", where) if text else None

    def number_at(self, element: etree._Element, path: str, where: str) -> Decimal | None:
        """The number at `path`, or None. Raises `Refused`."""
        text = text_of(element, path)
        return self.number(text, path.rpartition("/")[2], where) if text else None

    def day(self, text: str, name: str) -> date | None:
        """The day that `text` spells, with or without hyphens; None, and a finding, for what is none."""
        match = _DAY.fullmatch(text)
        plain = match[1] if match else text
        if match or _PLAIN_DAY.fullmatch(text):
            try:
                return date.fromisoformat(plain)
            except ValueError:
                pass
        if text:
            self.broken("date", f"{name} is no date")
        return None

    def needed_day(self, text: str, name: str) -> date:
        """The day that `text` spells, which must be there. Raises `Refused` (`mandatory`, `date`)."""
        day = self.day(self.needed(text, name), name)
        if day is None:
            raise Refused(f"{name} is no date", rule="date", where=self.where)
        return day
