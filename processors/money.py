"""Exact money: an explicit grammar in, Decimal or whole minor units out, never a float."""

from __future__ import annotations

import re
from decimal import Decimal

from ingest import PermanentError
from processors.currencies import DECIMALS

_AMOUNT = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]+))?")


class RuleBroken(ValueError):
    """A text is not what it should be; `rule` is the word for why."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def parse_amount(text: str, *, decimals: int) -> Decimal:
    """The amount that `text` spells, with exactly `decimals` decimals.

    ASCII digits only: a sign or none, 1 to 18 digits, and at most `decimals`
    decimals after a point. `-0` is zero, which is an amount.
    Raises `RuleBroken`: `amount`, or `decimals` when there are too many of them.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise RuleBroken("amount")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > decimals:
        raise RuleBroken("decimals")
    minor = int(whole + fraction.ljust(decimals, "0"))
    # Built from its digits: arithmetic would round to the precision of whatever context is set.
    return Decimal(f"{'-' if sign == '-' and minor else ''}{minor}E-{decimals}")


def minor_units(amount: Decimal, currency: str) -> int:
    """`amount` as a whole number of the smallest unit of `currency`.

    Raises `PermanentError` for a currency without decimals of its own, or an amount finer than they are.
    """
    decimals = DECIMALS.get(currency)
    if decimals is None:
        raise PermanentError("the currency is not one of ISO 4217 with a minor unit")
    numerator, denominator = amount.as_integer_ratio()
    scale: int = 10**decimals
    minor, rest = divmod(numerator * scale, denominator)
    if rest:
        raise PermanentError(f"the amount has more decimals than the {decimals} of {currency}")
    return minor
