"""Fields of MT940 and MT942 that are read the same wherever they stand: entries, amounts, dates."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

from ingest.vetting import Refused
from processors.currencies import DECIMALS
from processors.formats.mt940_tags import Tag

_AMOUNT = r"[0-9]{1,18}(?:,[0-9]{0,5})?"  # 15 characters by the letter; some banks fill up with zeros
BALANCE = re.compile(rf"([CD])([0-9]{{6}})([A-Z]{{3}})?({_AMOUNT})")
SUM = re.compile(rf"([0-9]{{1,5}})([A-Z]{{3}})({_AMOUNT})")
FLOOR = re.compile(rf"([A-Z]{{3}})[CD]?{_AMOUNT}")
_CENTURY = 2000
_FEBRUARY = 2
_HALF_A_YEAR = timedelta(days=183)
_ENTRY = re.compile(
    rf"(?P<value>[0-9]{{6}})(?P<day>[0-9]{{4}})?(?P<mark>[RE]?[CD])(?P<funds>[A-Z])?(?P<amount>{_AMOUNT})"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})(?P<own>.*?)(?://(?P<bank>.*))?"
)


def entry_of(tag: Tag) -> tuple[re.Match[str], list[str]]:
    """The subfields of field 61, and the lines after them; some senders break its first line."""
    for count in (1, 2):
        match = _ENTRY.fullmatch("".join(line.strip() for line in tag.lines[:count]))
        if match is not None:
            return match, tag.lines[count:]
    raise Refused("field 61 is no entry", rule="entry", where=tag.where)


def amount_of(text: str, currency: str, where: str) -> Decimal:
    """An amount with a comma, with the decimals of its currency. Raises `Refused`: `decimals`, `currency`."""
    whole, _, fraction = text.partition(",")
    decimals = DECIMALS.get(currency)
    if decimals is not None:
        if fraction[decimals:].strip("0"):
            message = f"an amount with more decimals than the {decimals} of {currency}"
            raise Refused(message, rule="decimals", where=where)
        fraction = fraction[:decimals].ljust(decimals, "0")
    elif currency:
        message = "an amount in no currency of ISO 4217 that has a minor unit"
        raise Refused(message, rule="currency", where=where)
    return Decimal(f"{whole}{fraction}E-{len(fraction)}")


def day_of(text: str) -> date | None:
    """The date YYMMDD; the 29th and 30th of February, which banks count interest to, are its last day."""
    year, month, day = _CENTURY + int(text[:2]), int(text[2:4]), int(text[4:6])
    if month == _FEBRUARY and day in {29, 30}:
        return date(year, 3, 1) - timedelta(days=1)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def booked_on(day: str | None, value: date | None) -> date | None:
    """The date MMDD in the year that brings it nearest to the value date."""
    if day is None or value is None:
        return value
    found = [
        made for year in (-1, 0, 1) if (made := day_of(f"{(value.year + year) % 100:02}{day}")) is not None
    ]
    near = [made for made in found if abs(made - value) <= _HALF_A_YEAR]
    return near[0] if near else value
