"""Fields of BAI2 that are read the same wherever they stand: amounts, dates, type codes, funds types."""

from __future__ import annotations

import re
from datetime import date

from ingest.vetting import Refused
from processors.formats.bai2_records import Fields, Record

_CREDITS = (range(100, 400), range(700, 760), range(920, 960))
_DEBITS = (range(400, 700), range(760, 800), range(960, 1000))
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,20})")
_DATE = re.compile(r"[0-9]{6}")
_CENTURY = 2000


def funds_of(fields: Fields, record: Record) -> date | None:
    """Read over the funds type and what belongs to it; the value date, where one is said."""
    kind = fields.next()
    if kind == "V":
        value = date_of(fields.next())
        fields.next()  # the time
        return value
    if kind == "S":
        for _ in range(3):
            fields.next()
    elif kind == "D":
        for _ in range(2 * abs(minor_of(fields.next() or "0", record))):
            if fields.is_over:
                raise Refused("fewer distributions than are announced", rule="funds_type", where=record.where)
            fields.next()
    return None


def minor_of(text: str, record: Record) -> int:
    """A whole number of minor units, with or without a sign. Raises `Refused`: `amount`."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise Refused("an amount that is no whole number", rule="amount", where=record.where)
    return int(match[2]) * (-1 if match[1] == "-" else 1)


def sign_of(code: str) -> int:
    """1 for the type code of a credit, -1 for that of a debit, 0 for any other."""
    if not (code.isascii() and code.isdecimal()):
        return 0
    number = int(code[:4])
    if any(number in codes for codes in _CREDITS):
        return 1
    return -1 if any(number in codes for codes in _DEBITS) else 0


def date_of(text: str) -> date | None:
    """The date YYMMDD, or None."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date(_CENTURY + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None
