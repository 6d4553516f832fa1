"""The orders of a message, group by group, with its control totals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from processors.formats.iso20022 import Notes, parts_of, reference, text_of_part
from processors.formats.payment_message import MessageEnd, MessagePart
from processors.formats.payment_order import Orderer, order_of, orderer_of
from processors.formats.payment_totals import ControlTotals

if TYPE_CHECKING:
    from lxml import etree

_HEADER = ("MsgId", "CreDtTm", "NbOfTxs")


class OrderMessage:
    """A pain.001, pain.008 or pacs.008 that is being read."""

    def __init__(self, number: str, where: str, notes: Notes) -> None:
        self._where, self._notes = where, notes
        self._has_header = False
        self._totals = ControlTotals(None, where, notes)
        self._known = Orderer(message=number, message_id="")  # of all orders in the message
        self._group_totals: ControlTotals | None = None
        self._in_group: Orderer | None = None  # of the orders in the open group, once one came
        self._orders = self._groups = self._checked = 0

    def header(self, element: etree._Element) -> None:
        """The `GrpHdr`, which stands before everything else."""
        self._has_header = True
        parts = parts_of(element)
        for name in _HEADER:
            if name not in parts:
                self._notes.missing(f"GrpHdr/{name}", self._where)
        message_id = reference(text_of_part(parts, "MsgId"), self._where)
        self._totals = ControlTotals(element, self._where, self._notes)
        known = Orderer(message=self._known.message, message_id=message_id)
        self._known = orderer_of(parts, known, self._where, self._notes)

    def open_group(self) -> None:
        """A `PmtInf` begins."""
        self._groups += 1
        self._group_totals, self._in_group = None, None

    def take(self, element: etree._Element, group: etree._Element | None) -> Iterator[MessagePart]:
        """An order, in the open `group`, or right in the message as between banks."""
        if group is not None and self._in_group is None:
            self._in_group = self._orderer_of(group)
        self._orders += 1
        known = self._known if group is None or self._in_group is None else self._in_group
        order = order_of(element, known, f"order {self._orders}", self._notes)
        self._totals.take(order.amount)
        if group is not None and self._group_totals is not None:
            self._group_totals.take(order.amount)
        yield order

    def _orderer_of(self, group: etree._Element) -> Orderer:
        where = f"group {self._groups}"
        self._group_totals = ControlTotals(group, where, self._notes)
        parts = parts_of(group)
        for name in ("PmtInfId", self._known.side):
            if name not in parts:
                self._notes.missing(name, where)
        return orderer_of(parts, self._known, where, self._notes)

    def close_group(self, element: etree._Element) -> Iterator[MessagePart]:
        """The `PmtInf` is complete."""
        if self._in_group is None:
            self._notes.missing("an order", f"group {self._groups}")
            self._orderer_of(element)
        if self._group_totals is not None:
            self._checked += self._group_totals.checked
            yield from self._group_totals.findings()

    def end(self) -> Iterator[MessagePart]:
        """The message is complete."""
        if not self._has_header:
            self._notes.missing("GrpHdr", self._where)
        if not self._orders:
            self._notes.missing("an order", self._where)
        yield from self._notes.take()
        yield from self._totals.findings()
        yield MessageEnd(where=self._where, totals=self._totals.checked + self._checked)
