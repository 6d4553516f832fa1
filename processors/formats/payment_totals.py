"""The control totals of a payment message, compared with its orders."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from processors.formats.balancing import add
from processors.formats.finding import ARITHMETIC, Finding
from processors.formats.iso20022 import Notes, number, text_in

if TYPE_CHECKING:
    from lxml import etree


class ControlTotals:
    """`NbOfTxs`, `CtrlSum` and the like, for a message or for a group in it."""

    def __init__(self, element: etree._Element | None, where: str, notes: Notes) -> None:
        """What is stated. Raises `Refused` for what is no number."""
        self._where = where
        self._stated = {
            name: number(text, where, notes)
            for name in ("NbOfTxs", "CtrlSum", "TtlIntrBkSttlmAmt")
            if (text := text_in(element, name))
        }
        self._count = 0
        self._sum = Decimal(0)

    def take(self, amount: Decimal) -> None:
        """One more order."""
        self._count += 1
        self._sum = add(self._sum, abs(amount))

    @property
    def checked(self) -> int:
        """How many figures are compared."""
        return len(self._stated)

    def findings(self) -> Iterator[Finding]:
        """Those that do not agree."""
        for name, stated in self._stated.items():
            found = Decimal(self._count) if name == "NbOfTxs" else self._sum
            if stated != found:
                yield Finding(
                    verdict=ARITHMETIC,
                    rule="control_total",
                    message=f"{name} is {stated}, the orders come to {found}",
                    where=self._where,
                )
