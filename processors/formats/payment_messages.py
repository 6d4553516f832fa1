"""Payment messages of ISO 20022: orders (pain.001, pain.008, pacs.008), reports (pain.002, pacs.002).

Every version, known by the names of the elements. Number and sum of the
orders are compared with the control totals of the message and of each group.
https://www.iso20022.org/iso-20022-message-definitions
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from ingest.vetting import Piece, Refused, xml_pieces
from processors.formats.iso20022 import Notes
from processors.formats.order_message import OrderMessage
from processors.formats.payment_message import MessagePart
from processors.formats.report_message import ReportMessage

if TYPE_CHECKING:
    from lxml import etree

_ORDERS = {
    "CstmrCdtTrfInitn": "pain.001",
    "CstmrDrctDbtInitn": "pain.008",
    "FIToFICstmrCdtTrf": "pacs.008",
    "pain.001.001.02": "pain.001",  # early versions called the element by the number of the message
    "pain.008.001.01": "pain.008",
    "pacs.008.001.01": "pacs.008",
}
_REPORTS = {
    "CstmrPmtStsRpt": "pain.002",
    "FIToFIPmtStsRpt": "pacs.002",
    "pain.002.001.02": "pain.002",
    "pacs.002.001.02": "pacs.002",
}
_MESSAGES = {**_ORDERS, **_REPORTS}
_WHOLE = ("GrpHdr", "CdtTrfTxInf", "DrctDbtTxInf", "OrgnlGrpInfAndSts", "TxInfAndSts")
_GROUPS = ("PmtInf", "OrgnlPmtInfAndSts")


def read(file: BinaryIO) -> Iterator[MessagePart]:
    """Orders and statuses of each message, one by one, then its end; XML says itself how it is encoded.

    Raises `Refused`: `message` for another one, `mandatory` where what is
    needed is missing, and what `xml_pieces` and `amount_of` refuse.
    """
    return _Reader().parts(file)


def is_message(head: bytes) -> bool:
    """True where a content that begins so is one of these messages."""
    names = [name.encode() for name in _MESSAGES]
    return any(b"<" + name in head or b":" + name + b">" in head for name in names)


class _Reader:
    """Knows where in the document it is; what it means, the message knows."""

    def __init__(self) -> None:
        self._notes = Notes()
        self._element: etree._Element | None = None  # of the open message
        self._group: etree._Element | None = None  # that is open in it
        self._message: OrderMessage | ReportMessage | None = None
        self._messages = 0

    def parts(self, file: BinaryIO) -> Iterator[MessagePart]:
        """All parts of all messages."""
        for piece in xml_pieces(file, whole=_WHOLE, around=(*_MESSAGES, *_GROUPS)):
            if piece.name in _MESSAGES:
                yield from self._message_turns(piece)
            elif self._message is not None:
                yield from self._inside(self._message, piece)
            yield from self._notes.take()
        if not self._messages:
            raise Refused(
                "no pain.001, pain.002, pain.008, pacs.002 or pacs.008 stands in the file", rule="message"
            )

    def _message_turns(self, piece: Piece) -> Iterator[MessagePart]:
        """A message opens or closes."""
        if piece.element is self._element and self._message is not None:
            yield from self._message.end()
            self._element = self._message = None
        elif piece.kind == "open" and self._element is None:
            self._messages += 1
            self._element, self._group = piece.element, None
            number, where = _MESSAGES[piece.name], f"message {self._messages}"
            kind = OrderMessage if piece.name in _ORDERS else ReportMessage
            self._message = kind(number, where, self._notes)
            if number not in str(piece.element.tag):
                self._notes.broken("namespace", f"the namespace is not that of a {number}", where)

    def _inside(self, message: OrderMessage | ReportMessage, piece: Piece) -> Iterator[MessagePart]:
        """Elements of the same names may stand elsewhere, in what somebody adds of his own."""
        parent = piece.element.getparent()
        if parent is self._element:
            if piece.kind == "open":
                self._group = piece.element
                message.open_group()
            elif piece.kind == "close":
                yield from message.close_group(piece.element)
                self._group = None
            elif piece.name == "GrpHdr":
                message.header(piece.element)
            else:
                yield from message.take(piece.element, None)
        elif parent is self._group and parent is not None and piece.kind == "whole":
            yield from message.take(piece.element, parent)
