"""Opening + booked movements = closing, checked for whatever a statement was written in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Context, Decimal

from processors.formats.finding import ARITHMETIC, Finding
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction

# Exact for any sum that a file can hold; the context that happens to be set would round.
_EXACT = Context(prec=60)
OPENING = ("opening", "previous_closing")  # the balance a statement begins with, the better first


def add(one: Decimal, other: Decimal) -> Decimal:
    """The exact sum of two amounts."""
    return _EXACT.add(one, other)


class Sums:
    """The balances and the movements of one statement, by currency."""

    def __init__(self, kind: str) -> None:
        self._is_whole = kind == "booked"  # others may tell only what is new since the one before
        self._balances: dict[tuple[str, str], Decimal] = {}
        self._moved: defaultdict[str, Decimal] = defaultdict(Decimal)

    def take(self, part: StatementPart) -> None:
        """Add what `part` says."""
        if isinstance(part, Transaction):
            if part.status == "booked":
                self._moved[part.currency] = _EXACT.add(self._moved[part.currency], part.amount)
        elif isinstance(part, Balance):
            self._balances.setdefault((part.kind, part.currency), part.amount)

    def checked(self) -> Iterator[tuple[str, Decimal | None, Decimal]]:
        """Each closing balance: currency, what it should be, what it is.

        What it should be is None in a currency that has no opening balance while others have.
        """
        if not self._is_whole or not any(kind in OPENING for kind, _ in self._balances):
            return
        for (kind, currency), closing in self._balances.items():
            if kind == "closing":
                opening = self._opening(currency)
                comes_to = None if opening is None else _EXACT.add(opening, self._moved[currency])
                yield currency, comes_to, closing

    def _opening(self, currency: str) -> Decimal | None:
        found = (self._balances.get((kind, currency)) for kind in OPENING)
        return next((amount for amount in found if amount is not None), None)


def balanced(parts: Iterable[StatementPart]) -> Iterator[StatementPart]:
    """The same parts; before the end of a statement that does not add up stands a `Finding`."""
    sums = Sums("")
    for part in parts:
        if isinstance(part, StatementHeader):
            sums = Sums(part.kind)
        if isinstance(part, StatementEnd):
            checked = list(sums.checked())
            yield from (_finding(part.where, *figures) for figures in checked if figures[1] != figures[2])
            yield replace(part, totals=part.totals + len(checked))
        else:
            sums.take(part)
            yield part


def _finding(where: str, currency: str, comes_to: Decimal | None, stated: Decimal) -> Finding:
    found = f"opening and booked entries come to {comes_to}"
    if comes_to is None:
        found = "there is no opening balance in that currency"
    return Finding(
        verdict=ARITHMETIC,
        rule="closing_balance",
        message=f"the closing balance is {stated} {currency}, {found}",
        where=where,
    )
