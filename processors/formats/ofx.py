"""Account statements in OFX 1.x and 2.x: bank accounts, credit cards, and the cash of investment accounts.

Aggregates are known by their names wherever they stand, since banks put tags
of their own between them and leave closing tags out. A `FITID` is the bank's
reference. https://financialdataexchange.org/FDX/About/OFX-Work-Group.aspx
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from ingest.vetting import Refused
from processors.currencies import DECIMALS
from processors.formats.finding import SCHEMA, Finding
from processors.formats.ofx_tokens import Token, tokens
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction

MAX_NAME = 200
MAX_TEXT = 2_000
_STATEMENTS = frozenset({"STMTRS", "CCSTMTRS", "INVSTMTRS"})
_ACCOUNTS = frozenset({"BANKACCTFROM", "CCACCTFROM", "INVACCTFROM"})
_LISTS = frozenset({"BANKTRANLIST", "INVTRANLIST"})
_OTHERS = frozenset({"BANKACCTTO", "CCACCTTO"})
_BALANCES = {"LEDGERBAL": "closing", "AVAILBAL": "closing_available"}
_INSIDE = frozenset({"PAYEE", "CURRENCY", "ORIGCURRENCY"})
_KNOWN = (
    _STATEMENTS
    | _ACCOUNTS
    | _LISTS
    | _OTHERS
    | _INSIDE
    | {"OFX", "STMTTRN", "STATUS", "STMTTRNP", *_BALANCES}
)
_LEAVES = frozenset(  # tags whose values are wanted
    {"ACCTID", "BANKID", "BROKERID", "CURDEF", "CURSYM", "DTSTART", "DTEND", "BALAMT", "DTASOF", "SEVERITY"}
    | {
        "TRNTYPE",
        "DTPOSTED",
        "DTAVAIL",
        "TRNAMT",
        "FITID",
        "CORRECTFITID",
        "CHECKNUM",
        "REFNUM",
        "NAME",
        "MEMO",
    }
)
MAX_DEPTH = 100  # aggregates that are open at a time
_AMOUNT = re.compile(r"([+-]?)([0-9]{0,18})(?:[.,]([0-9]{0,8}))?")
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{0,6}.*)?")


def read(file: BinaryIO, *, encoding: str) -> Iterator[StatementPart]:
    """The statements of a file, part by part.

    Raises `Refused`: `header`, `charset`, `xml_doctype`, `truncated`,
    `amount`, `currency`, and what `Text` refuses.
    """
    reader = _Reader()
    for token in tokens(file, encoding=encoding):
        yield from reader.take(token)
    yield from reader.finish()


def is_ofx(head: bytes) -> bool:
    """True where a content that begins so has the header of OFX."""
    return b"OFXHEADER" in head and b"<OFX" in head.upper()


class _Reader:
    """The aggregates that are open, and what was said inside each of them."""

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, str], str]] = []
        self._tag = ""  # whose value comes next
        self._statement: dict[str, str] | None = None
        self._is_told = self._is_over = False
        self._currency = ""
        self._count = 0

    def take(self, token: Token) -> Iterator[StatementPart]:
        if not token.name:
            if self._open and self._tag in _LEAVES:
                # The first of equal tags counts: what a bank adds comes later.
                self._open[-1][1].setdefault(self._tag, token.value)
            self._tag = ""
        elif token.is_open:
            self._tag = token.name
            if token.name in _KNOWN:
                yield from self._opened(token)
        else:
            self._tag = ""
            if any(name == token.name for name, _, _ in self._open):
                yield from self._closed(token)

    def _opened(self, token: Token) -> Iterator[StatementPart]:
        if token.name in _STATEMENTS:
            self._statement, self._is_told, self._currency = {}, False, ""
            self._count += 1
        if token.name in {"STMTTRN", *_BALANCES}:
            yield from self._tell(token.where)
        if len(self._open) == MAX_DEPTH:
            raise Refused(f"nested deeper than {MAX_DEPTH}", rule="depth", where=token.where)
        self._open.append((token.name, {}, token.where))

    def _closed(self, token: Token) -> Iterator[StatementPart]:
        """Close it, and whatever is still open inside of it."""
        while self._open:
            name, said, where = self._open.pop()
            yield from self._ended(name, said, where)
            if name == token.name:
                return

    def _ended(self, name: str, said: dict[str, str], where: str) -> Iterator[StatementPart]:
        if name == "OFX":
            self._is_over = True
        elif name == "STATUS":
            if said.get("SEVERITY", "").upper() == "ERROR":
                yield _broken(where, "status", "the bank answers with an error")
        elif self._statement is not None:
            yield from self._ended_inside(name, said, where, self._statement)

    def _ended_inside(
        self, name: str, said: dict[str, str], where: str, statement: dict[str, str]
    ) -> Iterator[StatementPart]:
        if name in _STATEMENTS:
            statement.update({key: text for key, text in said.items() if key == "CURDEF"})
            yield from self._tell(where)
            yield StatementEnd(where=where)
            self._statement = None
        elif name in _ACCOUNTS | _LISTS:
            statement.update(said)
        elif name in _BALANCES:
            yield from self._balance(name, said, where)
        elif name == "STMTTRN":
            yield from self._transaction(said, where)
        elif name in _INSIDE | _OTHERS and self._open:
            self._open[-1][1].update({f"{name}/{key}": text for key, text in said.items()})

    def _tell(self, where: str) -> Iterator[StatementPart]:
        """The header of the statement, before the first of its balances and transactions."""
        if self._statement is None or self._is_told:
            return
        said, self._is_told = dict(self._statement), True
        for name, inside, _ in self._open:
            if name in _STATEMENTS | _LISTS:
                said = {**inside, **said}
        self._currency = said.get("CURDEF", "").upper()
        account = said.get("ACCTID", "")
        if not account:
            yield _broken(where, "mandatory", "ACCTID is missing")
        begin, end = _day(said.get("DTSTART", "")), _day(said.get("DTEND", ""))
        yield StatementHeader(
            where=where,
            account=account[:MAX_NAME],
            servicer=(said.get("BANKID") or said.get("BROKERID", ""))[:MAX_NAME],
            # Downloads overlap: only one of the same days is a correction.
            statement_id="" if begin is None else begin.isoformat(),
            currency=self._currency,
            from_date=begin,
            to_date=end,
        )

    def _balance(self, name: str, said: dict[str, str], where: str) -> Iterator[StatementPart]:
        text = said.get("BALAMT", "")
        if not text:
            yield _broken(where, "mandatory", f"the amount of {name} is missing")
            return
        yield Balance(
            where=where,
            kind=_BALANCES[name],
            amount=_amount(text, self._known(self._currency, where), where),
            currency=self._currency,
            on=_day(said.get("DTASOF", "")),
        )

    def _transaction(self, said: dict[str, str], where: str) -> Iterator[StatementPart]:
        booked = _day(said.get("DTPOSTED", ""))
        if booked is None:
            yield _broken(where, "date", "DTPOSTED is missing, or no date")
        if not said.get("FITID"):
            yield _broken(where, "mandatory", "FITID is missing")
        if said.get("CORRECTFITID"):
            yield _broken(where, "correction", "the transaction corrects an earlier one")
        currency = said.get("CURRENCY/CURSYM", self._currency).upper()
        yield Transaction(
            where=where,
            amount=_amount(said.get("TRNAMT", ""), self._known(currency, where), where),
            currency=currency,
            booked=booked,
            value=_day(said.get("DTAVAIL", "")),
            reference=said.get("FITID", "")[:MAX_NAME],
            end_to_end=(said.get("REFNUM") or said.get("CHECKNUM", ""))[:MAX_NAME],
            counterparty=(said.get("NAME") or said.get("PAYEE/NAME", ""))[:MAX_NAME],
            counterparty_account=(said.get("BANKACCTTO/ACCTID") or said.get("CCACCTTO/ACCTID", ""))[
                :MAX_NAME
            ],
            code=said.get("TRNTYPE", "").upper()[:MAX_NAME],
            text=said.get("MEMO", "")[:MAX_TEXT],
        )

    def _known(self, currency: str, where: str) -> int:
        decimals = DECIMALS.get(currency)
        if decimals is None:
            message = "an amount in no currency of ISO 4217 that has a minor unit"
            raise Refused(message, rule="currency", where=where)
        return decimals

    def finish(self) -> Iterator[StatementPart]:
        """The file is over."""
        if not self._is_over:
            raise Refused("the file ends before </OFX>", rule="truncated")
        if not self._count:
            yield _broken("", "empty", "the file holds no statement")


def _amount(text: str, decimals: int, where: str) -> Decimal:
    match = _AMOUNT.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise Refused("an amount that is no number", rule="amount", where=where)
    fraction = (match[3] or "").rstrip("0").ljust(decimals, "0")
    digits = int((match[2] or "0") + fraction)
    return Decimal(f"{'-' if match[1] == '-' and digits else ''}{digits}E-{len(fraction)}")


def _day(text: str) -> date | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _broken(where: str, rule: str, message: str) -> Finding:
    return Finding(verdict=SCHEMA, rule=rule, message=message, where=where)
