"""Whether a payment pays an invoice: a question about the two alone, whatever else there is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

PAYS = ("either", "in", "out")
WINDOW_DAYS = 90
UNMATCHED_AFTER_DAYS = 10
_MOST_DAYS = 3650
_Row = Mapping[str, Any]


class Rules:
    """What the options say. Raises `ValueError` where they cannot be followed."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._pays = options.get("pays", PAYS[0])
        if self._pays not in PAYS:
            msg = f"pays is one of {', '.join(PAYS)}"
            raise ValueError(msg)
        self._window = timedelta(days=_days(options, "window_days", WINDOW_DAYS))
        self.patience = timedelta(days=_days(options, "unmatched_after_days", UNMATCHED_AFTER_DAYS))

    def misses(self, payment: _Row, invoice: _Row) -> str:
        """Why it does not pay an invoice that it names: "currency", "direction", "date"; empty if it does."""
        if payment["currency"] != invoice["currency"]:
            return "currency"
        if not payment["amount"] or self._pays == ("out" if payment["amount"] > 0 else "in"):
            return "direction"
        latest = max(invoice["approved_on"], invoice["due_on"] or invoice["approved_on"])
        if not invoice["approved_on"] - self._window <= payment["dated"] <= latest + self._window:
            return "date"
        return ""

    def pays(self, payment: _Row, invoice: _Row) -> bool:
        """True of a payment that pays the invoice, or a part of it."""
        return not self.misses(payment, invoice)


def is_paid(total: Decimal, amounts: Collection[Decimal]) -> bool:
    """True where what came in, or what went out, comes to the total."""
    came = sum((amount for amount in amounts if amount > 0), Decimal())
    went = -sum((amount for amount in amounts if amount < 0), Decimal())
    return total <= max(came, went)


def _days(options: Mapping[str, Any], name: str, usual: int) -> int:
    days = options.get(name, usual)
    if type(days) is not int or not 0 <= days <= _MOST_DAYS:
        msg = f"{name} is a number of days, at most {_MOST_DAYS}"
        raise ValueError(msg)
    return days
