"""The totals that a camt statement states of its entries, compared with the entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from ingest.vetting import Refused
from processors.formats.balancing import add
from processors.formats.finding import ARITHMETIC, Finding
from processors.formats.iso20022 import Notes, number, part_at, text_in
from processors.formats.statement import Transaction

if TYPE_CHECKING:
    from lxml import etree

_GROUPS = {"TtlNtries": "entries", "TtlCdtNtries": "credits", "TtlDbtNtries": "debits"}


@dataclass(slots=True)
class _Group:
    """How many entries there are of a kind, how many payments in them, and what they come to."""

    count: int = 0
    payments: int = 0
    total: Decimal = field(default_factory=Decimal)

    def take(self, entry: Transaction) -> None:
        self.count += 1
        self.payments += entry.parts
        self.total = add(self.total, abs(entry.amount))


@dataclass(frozen=True, slots=True)
class _Stated:
    group: str  # the name of its element
    count: Decimal | None
    total: Decimal | None


class Totals:
    """What is stated comes before the entries; what they come to is known after them."""

    def __init__(self) -> None:
        self._stated: list[_Stated] = []
        self._of_all = {name: _Group() for name in _GROUPS}
        self._of_booked = {name: _Group() for name in _GROUPS}

    def state(self, summary: etree._Element, where: str, notes: Notes) -> None:
        """Keep what a `TxsSummry` says; what is no number is a finding, since nothing depends on it."""
        for name in _GROUPS:
            found = part_at(summary, name)
            if found is not None:
                figures = [_figure(text_in(found, part), where, notes) for part in ("NbOfNtries", "Sum")]
                self._stated.append(_Stated(name, *figures))

    def take(self, entry: Transaction) -> None:
        """Count an entry."""
        if not self._stated:
            return  # they stand before the entries
        for groups in (self._of_all, self._of_booked) if entry.status == "booked" else (self._of_all,):
            groups["TtlNtries"].take(entry)
            groups["TtlDbtNtries" if entry.amount.is_signed() else "TtlCdtNtries"].take(entry)

    @property
    def checked(self) -> int:
        """How many figures are compared."""
        return sum((stated.count is not None) + (stated.total is not None) for stated in self._stated)

    def findings(self, where: str) -> Iterator[Finding]:
        """Those that do not agree.

        Banks total all entries or the booked ones, and count entries or the payments in them.
        """
        for stated in self._stated:
            every, booked = self._of_all[stated.group], self._of_booked[stated.group]
            counts = {every.count, booked.count, every.payments, booked.payments}
            if stated.count is not None and stated.count not in counts:
                yield _finding(stated.group, f"{stated.count} {_GROUPS[stated.group]}", every.count, where)
            if stated.total is not None and stated.total not in {every.total, booked.total}:
                yield _finding(stated.group, f"{_GROUPS[stated.group]} of {stated.total}", every.total, where)


def _finding(group: str, stated: str, found: object, where: str) -> Finding:
    return Finding(
        verdict=ARITHMETIC,
        rule="entries_total",
        message=f"{group} states {stated}, there are {found}",
        where=where,
    )


def _figure(text: str, where: str, notes: Notes) -> Decimal | None:
    try:
        return number(text, where, notes) if text else None
    except Refused as refused:
        notes.broken(refused.rule, "a total that is no number", where)
        return None
