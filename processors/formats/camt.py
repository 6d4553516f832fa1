"""Bank statements of ISO 20022: camt.053, intraday reports camt.052, notifications camt.054; every version.

What an entry is in the standard is one `Transaction`: a batch that was booked
in one sum stays one, whatever payments are listed inside. An entry's own sign
counts (`CdtDbtInd`); `RvslInd` says that it takes another one back. Totals of
`TxsSummry` are compared with the entries, opening and closing with the booked
ones. https://www.iso20022.org/iso-20022-message-definitions
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from ingest.vetting import Piece, Refused, local_name, xml_pieces
from processors.formats.balancing import balanced
from processors.formats.camt_entry import is_credit_by, transaction_of
from processors.formats.camt_totals import Totals
from processors.formats.iso20022 import (
    Notes,
    Parts,
    account_of,
    agent_of,
    amount_of,
    day_from,
    day_in,
    must_have,
    part_at,
    parts_of,
    reference,
    text_in,
    text_of_part,
)
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart

if TYPE_CHECKING:
    from datetime import date

    from lxml import etree

# The element of a message, by that of its statements, which kind they are, and the message's number.
_KINDS = {
    "Stmt": ("BkToCstmrStmt", "booked", "camt.053"),
    "Rpt": ("BkToCstmrAcctRpt", "interim", "camt.052"),
    "Ntfctn": ("BkToCstmrDbtCdtNtfctn", "notification", "camt.054"),
}
_MESSAGES = {f"{message}{suffix}": number for message, _, number in _KINDS.values() for suffix in ("", "V01")}
_BALANCES = {
    "OPBD": "opening",
    "PRCD": "previous_closing",
    "CLBD": "closing",
    "OPAV": "opening_available",
    "CLAV": "closing_available",
    "FWAV": "forward_available",
    "ITBD": "interim",
    "ITAV": "interim_available",
    "XPCD": "expected",
    "INFO": "information",
}
_NEEDED = ("opening", "previous_closing", "closing")  # from which others are computed
_WHOLE = ("GrpHdr", "Bal", "TxsSummry", "Ntry")


def read(file: BinaryIO) -> Iterator[StatementPart]:
    """The statements of a message, piece by piece; XML says itself how it is encoded.

    Raises `Refused`: `message` for another one, `statement` for a message
    without any, `mandatory` for one that lacks what is needed, and what
    `xml_pieces` and `amount_of` refuse.
    """
    return balanced(_Reader().parts(file))


def is_camt(head: bytes) -> bool:
    """True where a content that begins so is one of these messages."""
    return any(f"<{name}".encode() in head or f":{name}".encode() in head for name, *_ in _KINDS.values())


class _Reader:
    """What is known of the message and of the statement that is open."""

    def __init__(self) -> None:
        self._notes = Notes()
        self._message: etree._Element | None = None
        self._has_group_header = False
        self._page = ""  # of the message, where it is sent in several
        self._element: etree._Element | None = None  # of the open statement
        self._kind = ""
        self._header: StatementHeader | None = None  # of the open statement, once it is read
        self._totals = Totals()
        self._statements = 0
        self._entries = 0

    def parts(self, file: BinaryIO) -> Iterator[StatementPart]:
        """All parts of all statements."""
        for piece in xml_pieces(file, whole=_WHOLE, around=(*_MESSAGES, *_KINDS)):
            if piece.kind == "whole":
                yield from self._whole(piece)
            elif piece.name in _MESSAGES:
                self._message_turns(piece)
            elif piece.kind == "open":
                self._open(piece)
            elif piece.element is self._element:
                yield from self._close(piece)
        if not self._statements:
            raise Refused("no statement of a camt.052, 053 or 054 stands in the file", rule="statement")

    def _whole(self, piece: Piece) -> Iterator[StatementPart]:
        """Elements of the same names may stand elsewhere, in what a bank adds of its own."""
        parent = piece.element.getparent()
        if parent is None:
            return
        if parent is self._element:
            yield from self._inside(piece, parent)
        elif parent is self._message and piece.name == "GrpHdr":
            self._group_header(piece)

    def _message_turns(self, piece: Piece) -> None:
        """A message opens or closes."""
        if piece.element is self._message:
            self._message = None
        elif piece.kind == "open" and self._message is None:
            self._message, self._has_group_header, self._page = piece.element, False, ""
            number = _MESSAGES[piece.name]
            if number not in str(piece.element.tag):
                self._notes.broken("namespace", f"the namespace is not that of a {number}", piece.where)

    def _group_header(self, piece: Piece) -> None:
        self._has_group_header = True
        parts = parts_of(piece.element)
        for name in ("MsgId", "CreDtTm"):
            if name not in parts:
                self._notes.missing(f"GrpHdr/{name}", piece.where)
        self._page = _page(parts.get("MsgPgntn"))

    def _open(self, piece: Piece) -> None:
        if self._message is None or piece.element.getparent() is not self._message:
            return
        message, kind, number = _KINDS[piece.name]
        if not local_name(self._message).startswith(message):
            message = f"{piece.name} stands in a message that is no {number}"
            self._notes.broken("element", message, piece.where)
        if not self._has_group_header:
            self._notes.missing("GrpHdr", piece.where)
        self._element, self._kind = piece.element, kind
        self._statements += 1
        self._header, self._totals, self._entries = None, Totals(), 0

    def _inside(self, piece: Piece, statement: etree._Element) -> Iterator[StatementPart]:
        header = self._header
        if header is None:
            header = self._begin(statement, piece.element)
            yield header
        if piece.name == "Ntry":
            self._entries += 1
            where = f"statement {self._statements}, entry {self._entries}"
            entry = transaction_of(
                piece.element, where=where, currency=header.currency, kind=header.kind, notes=self._notes
            )
            self._totals.take(entry)
            yield entry
        elif piece.name == "Bal":
            yield from _balance(piece, header.currency, self._notes)
        else:
            self._totals.state(piece.element, piece.where, self._notes)
        if self._notes.findings:
            yield from self._notes.take()

    def _close(self, piece: Piece) -> Iterator[StatementPart]:
        if self._header is None:  # neither balance nor entry
            yield self._begin(piece.element)
        where = f"statement {self._statements}"
        yield from self._notes.take()
        yield from self._totals.findings(where)
        yield StatementEnd(where=where, totals=self._totals.checked)
        self._element = None

    def _begin(self, element: etree._Element, first: etree._Element | None = None) -> StatementHeader:
        """What stands before the first balance or entry."""
        where = f"statement {self._statements}"
        parts = parts_of(element)
        for name in ("Id", "CreDtTm"):
            if name not in parts:
                self._notes.missing(name, where)
        account = parts.get("Acct")
        number = reference(account_of(account), where)
        if not number:
            raise must_have("Acct/Id", where)
        pages = (_page(parts.get(name)) for name in ("StmtPgntn", "RptPgntn", "NtfctnPgntn"))
        page = next(filter(None, pages), self._page)
        period = parts.get("FrToDt")
        sequence = text_of_part(parts, "ElctrncSeqNb") or text_of_part(parts, "LglSeqNb")
        self._header = StatementHeader(
            where=where,
            account=number,
            servicer=agent_of(part_at(account, "Svcr")),
            statement_id=reference(text_of_part(parts, "Id"), where),
            sequence=reference(f"{sequence}/{page}" if page else sequence, where),
            kind=self._kind,
            currency=text_in(account, "Ccy") or _currency_of(first),
            from_date=_period(period, "Fr", where, self._notes),
            to_date=_period(period, "To", where, self._notes),
        )
        return self._header


def _page(element: etree._Element | None) -> str:
    """The number of a page; "" where it is the only one."""
    number, is_last = text_in(element, "PgNb"), text_in(element, "LastPgInd")
    return "" if number in {"", "1"} and is_last in {"", "true", "1"} else number


def _currency_of(element: etree._Element | None) -> str:
    amount = part_at(element, "Amt")
    return "" if amount is None else (amount.get("Ccy") or "").strip()


def _period(element: etree._Element | None, side: str, where: str, notes: Notes) -> date | None:
    if element is None:
        return None
    text = text_in(element, f"{side}DtTm") or text_in(element, f"{side}Dt")
    return day_from(text, f"{side}DtTm", where, notes)


def _balance(piece: Piece, currency: str, notes: Notes) -> Iterator[Balance]:
    """The balance; nothing, and a finding, for one that cannot be read and that nothing depends on."""
    parts = parts_of(piece.element)
    kind = parts.get("Tp")
    code = text_in(kind, "CdOrPrtry", "Cd") or text_in(kind, "Cd")
    if not code and not text_in(kind, "CdOrPrtry", "Prtry"):
        notes.missing("Bal/Tp", piece.where)
    name = _BALANCES.get(code, "other")
    try:
        yield _read_balance(parts, name, currency, piece.where, notes)
    except Refused as refused:
        if name in _NEEDED:
            raise
        notes.broken(refused.rule, "a balance that cannot be read", piece.where)


def _read_balance(parts: Parts, kind: str, currency: str, where: str, notes: Notes) -> Balance:
    if "Amt" not in parts:
        raise must_have("Bal/Amt", where)
    amount, currency = amount_of(parts["Amt"], where, notes, fallback=currency)
    is_credit = (
        is_credit_by(text_of_part(parts, "CdtDbtInd"), where) if amount or "CdtDbtInd" in parts else True
    )
    return Balance(
        where=where,
        kind=kind,
        amount=amount if is_credit else -amount,
        currency=currency,
        on=day_in(parts.get("Dt"), "Bal/Dt", where, notes),
    )
