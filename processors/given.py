"""Options as they are given: known names, values of the right type, and what was probably meant.

Everything raises `ValueError` with a sentence that names the option.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any


def meant(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """What was probably meant by a name that is none."""
    known = list(known)
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return otherwise or f"there are {', '.join(known)}"


@dataclass(frozen=True, slots=True)
class Given:
    """A table of options; `where` is how it is spoken of, empty for the outermost."""

    options: Mapping[str, Any]
    where: str = ""

    def check_names(self, known: Collection[str]) -> None:
        """Every option is one of those known."""
        for name in self.options:
            if name not in known:
                raise self.wrong(f"{name!r} is not known: {meant(name, known)}")

    def wrong(self, said: str) -> ValueError:
        """An error that says where it is."""
        return ValueError(f"{self.where}: {said}" if self.where else said)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        value = self.options.get(name, default)
        if not isinstance(value, str):
            raise self.wrong(f"{name} is missing" if value is None else f"{name} is no text")
        return value

    def word(self, name: str, known: Iterable[str], default: str | None = None) -> str:
        """One of a few words."""
        known = tuple(known)
        value = self.text(name, default)
        if value not in known:
            raise self.wrong(f"{name} = {value!r} is not known: {meant(value, known)}")
        return value

    def mark(self, name: str, default: str, *, may_be_empty: bool = True) -> str:
        """One character that is neither a letter nor a digit nor the end of a line."""
        value = self.text(name, default)
        if len(value) > 1 or value.isalnum() or value in ("\r", "\n", "\0") or not (value or may_be_empty):
            raise self.wrong(f"{name} = {value!r} is not one character that may stand there")
        return value

    def number(self, name: str, default: int | None, *, least: int = 0, most: int = 10**9) -> int | None:
        """A whole number."""
        value = self.options.get(name, default)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(f"{name} is no whole number from {least} to {most}")
        return value

    def count(self, name: str, default: int = 0, *, least: int = 0, most: int = 10**9) -> int:
        """A whole number; without a default it is `least`."""
        return self.number(name, default, least=least, most=most) or 0

    def flag(self, name: str) -> bool:
        """True or false; false where it is not there."""
        value = self.options.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(f"{name} is neither true nor false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one text."""
        value = self.options.get(name, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(f"{name} is no list of texts")
        if len(set(value)) < len(value):
            raise self.wrong(f"{name} names something twice")
        return tuple(value)

    def tables(self, name: str) -> list[Given]:
        """A list of tables."""
        value = self.options.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(f"{name} is no list of tables")
        return [Given(item, self._within(f"{name} {number}")) for number, item in enumerate(value, start=1)]

    def table(self, name: str) -> Given:
        """A table; an empty one where it is not there."""
        value = self.options.get(name, {})
        if not isinstance(value, dict):
            raise self.wrong(f"{name} is no table")
        return Given(value, self._within(name))

    def called(self, where: str) -> Given:
        """The same, spoken of otherwise."""
        return replace(self, where=where)

    def _within(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name


def plain_decimal(value: Any) -> Decimal:
    """A number of TOML, or a text that writes one, without a float's digits; raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        msg = "it is no number"
        raise ValueError(msg)  # noqa: TRY004  # one kind of refusal
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        msg = "it is no number"
        raise ValueError(msg) from None
    if not number.is_finite():
        msg = "it is no number"
        raise ValueError(msg)
    return number
