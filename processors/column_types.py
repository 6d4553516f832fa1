"""Types of columns: what a cell must be, and its value; a whole column of cells at once where all are plain.

Numbers have an explicit ASCII grammar: a sign or none, 1 to 18 digits, in
groups of three or none, and decimals after the declared mark. No exponent, no
other digits, no space. Dates are read by a format, and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Protocol

from processors.date_formats import DateFormat
from processors.money import RuleBroken

MAX_CELL = 131_072  # characters
_NEGATIVE_ZERO = re.compile(r"-0+(?:\.0*)?\n")


class ColumnType(Protocol):
    """How cells become values. `one` raises `RuleBroken`; neither is given an empty cell."""

    @property
    def kept_as(self) -> type:
        """The type of the values."""

    def one(self, cell: Any, decimals: int | None) -> Any:
        """The value of a cell: text, or what a format with types of its own holds."""

    def many(self, cells: Sequence[str], decimals: int | None) -> Sequence[Any] | None:
        """The values of texts, or None where `one` has to look at each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextType:
    """Text as it stands."""

    max_length: int = MAX_CELL
    all_match: Callable[[Sequence[str]], bool] | None = None
    kept_as: type = str

    def one(self, cell: Any, decimals: int | None) -> str:  # noqa: ARG002  # of numbers
        """The text; a number or a date is written out."""
        text = _written(cell)
        if len(text) > self.max_length:
            raise RuleBroken("length")
        if "\0" in text:
            raise RuleBroken("characters")
        if self.all_match is not None and not self.all_match([text]):
            raise RuleBroken("pattern")
        return text

    def many(self, cells: Sequence[str], decimals: int | None) -> Sequence[str] | None:  # noqa: ARG002
        """The cells themselves."""
        joined = "".join(cells)
        if "\0" in joined or (len(joined) > self.max_length and max(map(len, cells)) > self.max_length):
            return None
        return cells if self.all_match is None or self.all_match(cells) else None


@dataclass(frozen=True, kw_only=True)
class NumberType:
    """A decimal or a whole number, as it is written here or there."""

    kept_as: type  # Decimal or int
    mark: str = "."  # before the decimals
    group: str = ""  # between groups of three digits; empty: there are none
    sign_after: bool = False  # "12.50-"
    implied: int = 0  # decimals that are written without a mark

    @cached_property
    def _grammar(self) -> re.Pattern[str]:
        digits = "[0-9]{1,18}"
        if self.group:
            digits = rf"[0-9]{{1,3}}(?:{re.escape(self.group)}[0-9]{{3}}){{1,5}}|{digits}"
        fraction = rf"(?:{re.escape(self.mark)}(?P<fraction>[0-9]+))?"
        if self.kept_as is int or self.implied:
            fraction = ""
        number = f"(?P<whole>{digits}){fraction}"
        sign = "(?P<sign>[+-]?)"
        return re.compile(number + sign if self.sign_after else sign + number)

    @cached_property
    def _is_plain(self) -> bool:
        return self.mark == "." and not self.group and not self.sign_after and not self.implied

    def one(self, cell: Any, decimals: int | None) -> Decimal | int:
        """The number; one of a format that knows numbers is taken as it is."""
        if isinstance(cell, bool) or not isinstance(cell, str | int | Decimal):
            raise RuleBroken("type")
        found = (self._grammar if isinstance(cell, str) else _PLAIN).fullmatch(_written(cell))
        if found is None:
            raise RuleBroken("integer" if self.kept_as is int else "amount")
        parts = found.groupdict()
        whole, fraction = parts["whole"], parts.get("fraction") or ""
        if isinstance(cell, str):
            whole = whole.replace(self.group, "") if self.group else whole
            at = max(len(whole) - self.implied, 0) if self.implied else len(whole)
            whole, fraction = whole[:at] or "0", fraction or whole[at:].rjust(self.implied, "0")
        if self.kept_as is not int:
            return _decimal(parts["sign"], whole, fraction, decimals)
        if fraction.strip("0"):
            raise RuleBroken("integer")
        return int(parts["sign"] + whole)

    def many(self, cells: Sequence[str], decimals: int | None) -> Sequence[Decimal] | Sequence[int] | None:
        """The numbers, where all are written plainly, and with as many decimals as are wanted."""
        joined = "\n".join(cells) + "\n"
        if not self._is_plain:
            return None
        if not _all_plain(self.kept_as, decimals).fullmatch(joined) or joined.count("\n") != len(cells):
            return None
        if _NEGATIVE_ZERO.search(joined):
            return None
        try:
            return list(map(self.kept_as, cells))
        except (ValueError, InvalidOperation):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateType:
    """A date, or a moment."""

    format: DateFormat
    zone: tzinfo | None  # of moments whose format names none; None: dates
    kept_as: type  # date or datetime
    known: dict[str, date] = field(default_factory=dict, compare=False)  # what was read lately

    def one(self, cell: Any, decimals: int | None) -> date:  # noqa: ARG002  # of numbers
        """The date; that of a format that knows dates is taken as it is."""
        if isinstance(cell, str):
            return self.format.parse(cell, self.zone) if self.kept_as is datetime else self.format.date(cell)
        if not isinstance(cell, date) or (self.kept_as is datetime and self.zone is None):
            raise RuleBroken("type")
        moment = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001
        if self.kept_as is datetime:
            return moment.replace(tzinfo=self.zone)
        if moment.time() != time():
            raise RuleBroken("date")
        return moment.date()

    def many(self, cells: Sequence[str], decimals: int | None) -> Sequence[date] | None:  # noqa: ARG002
        """The dates; few texts are read twice."""
        known = self.known
        if len(known) > _MOST_KNOWN:
            known.clear()
        try:
            for text in set(cells).difference(known):
                known[text] = self.one(text, None)
        except RuleBroken:
            return None
        return [known[text] for text in cells]


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanType:
    """One of a few words."""

    words: Mapping[str, bool]
    kept_as: type = bool

    def one(self, cell: Any, decimals: int | None) -> bool:  # noqa: ARG002  # of numbers
        """What the word means."""
        if isinstance(cell, bool):
            return cell
        if not isinstance(cell, str) or cell not in self.words:
            raise RuleBroken("boolean")
        return self.words[cell]

    def many(self, cells: Sequence[str], decimals: int | None) -> Sequence[bool] | None:  # noqa: ARG002
        """What the words mean."""
        return [self.words[cell] for cell in cells] if self.words.keys() >= set(cells) else None


_PLAIN = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]{1,18})(?:\.(?P<fraction>[0-9]+))?")
_MAX_DECIMALS = 18
_MAX_EXPONENT = 100
_MOST_KNOWN = 10_000
_ALL_INTEGERS = re.compile(r"(?:[+-]?[0-9]{1,18}\n)*+")
_ALL_DECIMALS: dict[int | None, re.Pattern[str]] = {
    None: re.compile(rf"(?:[+-]?[0-9]{{1,18}}(?:\.[0-9]{{1,{_MAX_DECIMALS}}})?\n)*+"),
    0: _ALL_INTEGERS,
    **{n: re.compile(rf"(?:[+-]?[0-9]{{1,18}}\.[0-9]{{{n}}}\n)*+") for n in range(1, _MAX_DECIMALS + 1)},
}


def _all_plain(kept_as: type, decimals: int | None) -> re.Pattern[str]:
    return _ALL_INTEGERS if kept_as is int else _ALL_DECIMALS[decimals]


def _decimal(sign: str, whole: str, fraction: str, decimals: int | None) -> Decimal:
    """Built from its digits, with exactly so many decimals; with as many as it has, where none are told."""
    if decimals is None:
        decimals = len(fraction)
        if decimals > _MAX_DECIMALS:
            raise RuleBroken("decimals")
    elif len(fraction) > decimals:
        if fraction[decimals:].strip("0"):
            raise RuleBroken("decimals")
        fraction = fraction[:decimals]
    minor = int(whole + fraction.ljust(decimals, "0"))
    return Decimal(f"{'-' if sign == '-' and minor else ''}{minor}E-{decimals}")


def _written(cell: Any) -> str:
    """The text of a cell; raises `RuleBroken` for one that has none."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Decimal):
        if not cell.is_finite() or abs(cell.adjusted()) > _MAX_EXPONENT:
            raise RuleBroken("amount")  # its digits would fill the memory
        return format(cell, "f")
    if isinstance(cell, bool) or not isinstance(cell, int | date):
        raise RuleBroken("type")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
