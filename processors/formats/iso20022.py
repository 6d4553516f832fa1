"""What all messages of ISO 20022 have in common: amounts, dates, parties, accounts, remittance information.

Elements are known by their local names, since banks send one message under
the namespaces of many versions, national ones among them. The schema is no
gate: what is needed and cannot be had refuses the content, what is merely
against a rule is a finding. https://www.iso20022.org/iso-20022-message-definitions
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from ingest.vetting import Refused
from processors.currencies import DECIMALS
from processors.formats.finding import SCHEMA, Finding

if TYPE_CHECKING:
    from lxml import etree

MAX_REFERENCE = 200  # characters; the standard allows 35
MAX_NAME = 200  # characters that are kept of a name; the standard allows 140
MAX_TEXT = 2_000  # characters that are kept of a text
NOT_PROVIDED = "NOTPROVIDED"  # what stands in a mandatory reference that nobody gave

_AMOUNT = re.compile(r"\+?([0-9]{0,18})(?:\.([0-9]*))?")
_NOTHING = re.compile(r"-0+(?:\.0*)?|-\.0+")
_MAX_DIGITS = 18
_MAX_FRACTION = 5
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9:.,]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?")

Parts = dict[str, "etree._Element"]  # noqa: SLF001  # the one name that lxml gives its elements


@dataclass(slots=True)
class Notes:
    """Findings that a message gave rise to and that were not yet handed on."""

    findings: list[Finding] = field(default_factory=list)

    def broken(self, rule: str, message: str, where: str) -> None:
        """A rule of the message's schema is broken, but the content can be read."""
        self.findings.append(Finding(verdict=SCHEMA, rule=rule, message=message, where=where))

    def missing(self, name: str, where: str) -> None:
        """An element that every such message has is missing, and can be done without."""
        self.broken("mandatory", f"{name} is missing", where)

    def take(self) -> Iterator[Finding]:
        """Those noted since the last time."""
        findings, self.findings = self.findings, []
        yield from findings


def parts_of(element: etree._Element) -> Parts:
    """The children of `element` by local name, in its own namespace; of equal ones the first."""
    tag: str = element.tag
    cut = tag.rfind("}") + 1
    parts = {child.tag[cut:]: child for child in element}
    if len(parts) < len(element):
        parts = {child.tag[cut:]: child for child in reversed(element)}
    return parts


def text_of_part(parts: Parts, name: str) -> str:
    """The text of a part, without spaces around it; "" where there is none."""
    found = parts.get(name)
    return (found.text or "").strip() if found is not None else ""


def part_at(element: etree._Element | None, *names: str) -> etree._Element | None:
    """The first element on the way of `names` below `element`, or None."""
    for name in names:
        if element is None:
            return None
        element = next(element.iterchildren(f"{{*}}{name}"), None)
    return element


def text_in(element: etree._Element | None, *names: str) -> str:
    """The text at the end of the way of `names`, without spaces around it; "" where there is none."""
    found = part_at(element, *names)
    return (found.text or "").strip() if found is not None else ""


def must_have(name: str, where: str) -> Refused:
    """An element without which the content cannot be read."""
    return Refused(f"{name} is missing, and cannot be done without", rule="mandatory", where=where)


def reference(text: str, where: str) -> str:
    """A reference as it stands; one that is cut would be another one, so a long one is refused."""
    if len(text) > MAX_REFERENCE:
        raise Refused(f"a reference of more than {MAX_REFERENCE} characters", rule="length", where=where)
    return text


def amount_of(
    element: etree._Element, where: str, notes: Notes, *, fallback: str = ""
) -> tuple[Decimal, str]:
    """Amount and currency of an element; see `amount_from`."""
    currency = (element.get("Ccy") or "").strip()
    return amount_from((element.text or "").strip(), currency, where, notes, fallback=fallback)


def amount_from(
    text: str, currency: str, where: str, notes: Notes, *, fallback: str = ""
) -> tuple[Decimal, str]:
    """Amount, with exactly the decimals of its currency, and currency.

    Raises `Refused`: `amount` for what is no amount, or a negative one;
    `currency` for one that ISO 4217 gives no decimals, or none at all;
    `decimals` for an amount finer than its currency.
    """
    if not currency and fallback:
        notes.missing("Ccy of an amount", where)
        currency = fallback
    decimals = DECIMALS.get(currency)
    if decimals is None:
        message = "an amount in no currency of ISO 4217 that has a minor unit"
        raise Refused(message, rule="currency", where=where)
    return _exactly(number(text, where, notes), decimals, currency, where), currency


def _exactly(amount: Decimal, decimals: int, currency: str, where: str) -> Decimal:
    sign, digits, exponent = amount.as_tuple()
    surplus = -int(exponent) - decimals
    if surplus == 0:
        return amount
    if surplus < 0:
        return Decimal((sign, digits + (0,) * -surplus, -decimals))
    if any(digits[-surplus:]):
        message = f"an amount with more decimals than the {decimals} of {currency}"
        raise Refused(message, rule="decimals", where=where)
    return Decimal((sign, digits[:-surplus] or (0,), -decimals))


def number(text: str, where: str, notes: Notes) -> Decimal:
    """The number that `text` spells, not negative, as it stands. Raises `Refused`."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        if _NOTHING.fullmatch(text) and len(text) <= _MAX_DIGITS:
            notes.broken("amount", "an amount of nothing that has a sign", where)
            return Decimal(0)
        raise _no_amount(where)
    digits, fraction = match.groups("")
    if len(fraction) > _MAX_DIGITS or not digits + fraction:
        raise _no_amount(where)
    if len(fraction) > _MAX_FRACTION or len(digits) + len(fraction) > _MAX_DIGITS:
        broken = f"an amount of more than {_MAX_DIGITS} digits, or {_MAX_FRACTION} decimals"
        notes.broken("amount", broken, where)
    return Decimal(text)


def _no_amount(where: str) -> Refused:
    message = f"an amount that is no number without a sign, of at most {_MAX_DIGITS} digits"
    return Refused(message, rule="amount", where=where)


def day_from(text: str, name: str, where: str, notes: Notes) -> date | None:
    """The day of a date or of a moment; None, and a finding, for what is neither."""
    if not text:
        return None
    day = _day(text)
    if day is None:
        notes.broken("date", f"{name} is no date", where)
    return day


@lru_cache(maxsize=1024)  # a file has thousands of entries and few days
def _day(text: str) -> date | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        return None


def day_in(element: etree._Element | None, name: str, where: str, notes: Notes) -> date | None:
    """The day of an element that holds `Dt` or `DtTm`, or in old versions the date itself."""
    if element is None:
        return None
    text = text_in(element, "Dt") or text_in(element, "DtTm") or (element.text or "").strip()
    return day_from(text, name, where, notes)


def account_of(element: etree._Element | None) -> str:
    """The number of an account: an IBAN, else what the bank calls it."""
    identity = part_at(element, "Id")
    if identity is None:
        return ""
    for way in (("IBAN",), ("Othr", "Id"), ("PrtryAcct", "Id"), ("BBAN",), ("UPIC",)):
        if text := text_in(identity, *way):
            return text
    return ""


def agent_of(element: etree._Element | None) -> str:
    """The BIC of a bank, else its number in a clearing system, else what else it is called."""
    bank = part_at(element, "FinInstnId")
    if bank is None:
        return ""
    for way in (
        ("BICFI",),
        ("BIC",),
        ("CmbndId", "BIC"),
        ("ClrSysMmbId", "MmbId"),
        ("ClrSysMmbId", "Id"),
        ("Othr", "Id"),
        ("PrtryId", "Id"),
        ("Nm",),
        ("NmAndAdr", "Nm"),
    ):
        if text := text_in(bank, *way):
            return text[:MAX_NAME]
    return ""


def party_of(element: etree._Element | None) -> str:
    """The name of a party; newer versions wrap it in `Pty`, or it is a bank."""
    if element is None:
        return ""
    name = text_in(element, "Nm") or text_in(element, "Pty", "Nm") or agent_of(part_at(element, "Agt"))
    return name[:MAX_NAME]


def remittance_of(element: etree._Element | None) -> list[str]:
    """What a payment is for: free texts, then references of the creditor and numbers of documents."""
    if element is None:
        return []
    texts: list[str] = []
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        if name == "Ustrd":
            texts.append((child.text or "").strip())
        elif name == "Strd":
            texts.extend(_structured(child))
    return [text for text in texts if text]


def _structured(element: etree._Element) -> Iterator[str]:
    yield text_in(element, "CdtrRefInf", "Ref") or text_in(element, "CdtrRefInf", "CdtrRef")
    yield text_in(element, "RfrdDocInf", "Nb") or text_in(element, "RfrdDocInf", "RfrdDocNb")
    for more in element.iterchildren("{*}AddtlRmtInf"):
        yield (more.text or "").strip()


def joined(texts: list[str]) -> str:
    """Texts one after the other, as far as there is room."""
    return " ".join(texts)[:MAX_TEXT]
