"""Dates and moments by a declared format: `%d.%m.%Y` reads that and nothing like it.

The letters are those of `strftime`, in ASCII digits and with English names of
months, whatever the locale; `%-d` and `%-m` may have one digit. What is not
written in the format is not read: no other separators, no spaces, no guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from processors.money import RuleBroken

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PIVOT = 69  # two digits: 69 is 1969, 68 is 2068, as POSIX has it
_PARTS = {
    "Y": ("year", "[0-9]{4}"),
    "y": ("short", "[0-9]{2}"),
    "m": ("month", "[0-9]{2}"),
    "-m": ("month", "[0-9]{1,2}"),
    "b": ("name", "[A-Za-z]{3}"),
    "d": ("day", "[0-9]{2}"),
    "-d": ("day", "[0-9]{1,2}"),
    "H": ("hour", "[0-9]{2}"),
    "I": ("half", "[0-9]{2}"),
    "p": ("noon", "[AaPp][Mm]"),
    "M": ("minute", "[0-9]{2}"),
    "S": ("second", "[0-9]{2}"),
    "f": ("fraction", "[0-9]{1,6}"),
    "z": ("zone", "Z|[+-][0-9]{2}:?[0-9]{2}"),
}
_LETTER = re.compile(r"%(-?[A-Za-z%])|([^%])|%")


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A format, and what it reads."""

    text: str
    pattern: re.Pattern[str]

    @property
    def has_zone(self) -> bool:
        """True where each text says its distance from UTC."""
        return "zone" in self.pattern.groupindex

    @property
    def has_time(self) -> bool:
        """True where it reads an hour."""
        return bool({"hour", "half"} & self.pattern.groupindex.keys())

    def date(self, text: str) -> date:
        """The date that `text` writes; raises `RuleBroken`."""
        return self.parse(text, UTC).date()

    def parse(self, text: str, zone: tzinfo | None) -> datetime:
        """The moment that `text` writes, in `zone` where it says none; raises `RuleBroken`."""
        found = self.pattern.fullmatch(text)
        if found is None:
            raise RuleBroken("date")
        try:
            return _moment({name: part for name, part in found.groupdict().items() if part}, zone)
        except ValueError:
            raise RuleBroken("date") from None


def date_format(text: str) -> DateFormat:
    """The format that `text` writes; raises `ValueError` for one that is not to be read, or has no date."""
    pattern, seen = "", set()
    for letter in _LETTER.finditer(text):
        if letter[2] is not None or letter[1] == "%":
            pattern += re.escape(letter[2] or "%")
            continue
        if letter[1] not in _PARTS:
            known = ", ".join(f"%{name}" for name in _PARTS)
            msg = f"{letter[0]} in the date format {text!r} is not known: there are {known}"
            raise ValueError(msg)
        name, part = _PARTS[letter[1]]
        if name in seen:
            msg = f"{letter[0]} in the date format {text!r} is there twice"
            raise ValueError(msg)
        seen.add(name)
        pattern += f"(?P<{name}>{part})"
    if not (seen & {"year", "short"} and seen & {"month", "name"} and "day" in seen):
        msg = f"the date format {text!r} lacks a year, a month or a day"
        raise ValueError(msg)
    return DateFormat(text, re.compile(pattern))


def _moment(parts: dict[str, str], zone: tzinfo | None) -> datetime:
    year = int(parts["year"]) if "year" in parts else _century(int(parts["short"]))
    month = int(parts["month"]) if "month" in parts else _MONTHS.index(parts["name"].lower()) + 1
    said = parts.get("zone")
    return datetime(
        year,
        month,
        int(parts["day"]),
        _hour(parts),
        int(parts.get("minute", 0)),
        int(parts.get("second", 0)),
        int(parts.get("fraction", "0").ljust(6, "0")),
        tzinfo=zone if said is None else _offset(said),
    )


def _century(short: int) -> int:
    return short + (1900 if short >= _PIVOT else 2000)


def _hour(parts: dict[str, str]) -> int:
    if "half" not in parts:
        return int(parts.get("hour", 0))
    half = int(parts["half"])
    if not 1 <= half <= 12:  # noqa: PLR2004  # of a clock
        raise ValueError
    return half % 12 + 12 * (parts.get("noon", "am").lower() == "pm")


def _offset(said: str) -> tzinfo:
    if said == "Z":
        return UTC
    minutes = int(said[1:3]) * 60 + int(said[-2:])
    return timezone(timedelta(minutes=-minutes if said[0] == "-" else minutes))
