"""Account statements in MT940, and intraday reports in MT942, as SWIFT lays them out and banks write them.

Every message of a file is a statement of its own, also where the blocks of
SWIFT are missing: field 20 begins one. An amount, a balance or an entry that
cannot be read refuses the file; what a message should have and has not is a
finding. Opening + entries = closing is held against each statement, the sums
of fields 90D and 90C against each report.
https://www2.swift.com/knowledgecentre/publications/us9m_20250718
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from ingest.vetting import Refused
from processors.currencies import DECIMALS
from processors.formats.balancing import add, balanced
from processors.formats.finding import ARITHMETIC, SCHEMA, Finding
from processors.formats.mt940_fields import BALANCE, FLOOR, SUM, amount_of, booked_on, day_of, entry_of
from processors.formats.mt940_tags import Tag, tags
from processors.formats.mt940_text import MAX_NAME, Details, bounded, details, given
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction

_BALANCES = {
    "60F": "opening",
    "60M": "opening",
    "62F": "closing",
    "62M": "closing",
    "64": "closing_available",
    "65": "forward_available",
}
_HEAD = frozenset({"20", "21", "25", "25P", "28", "28C", "NS", "{2:"})
_INTERIM = frozenset({"34F", "13", "13D", "90D", "90C"})
_IN_25 = re.compile(r".*(?:/|[0-9])([A-Z]{3})")
_NOTE = re.compile(r"([0-9]{2})(.*)")
_MINUS = frozenset({"D", "RC", "ED"})


def read(file: BinaryIO, *, encoding: str) -> Iterator[StatementPart]:
    """The statements of a file, part by part.

    Raises `Refused`: `statement` for a file without any field of a statement,
    `balance`, `entry`, `sum`, and what `Text` refuses.
    """
    return balanced(_parts(file, encoding))


def is_mt940(head: bytes) -> bool:
    """True where a content that begins so has the fields of these messages."""
    text = head.decode("ascii", "replace")
    return re.search(r"(?m)^(?:\x01?|.*\{4:):(?:20|25P?|28C?|34F|60[FM]|61|62[FM]|64|86):", text) is not None


def _parts(file: BinaryIO, encoding: str) -> Iterator[StatementPart]:
    reader, count = _Reader(), 0
    for tag in tags(file, encoding=encoding):
        count += tag.name not in {"", "{2:", "NS"}
        yield from reader.take(tag)
    if not count:
        raise Refused("no field of a statement stands in the file", rule="statement")
    yield from reader.finish()


class _Reader:
    """The statement that is being read."""

    def __init__(self) -> None:
        self._application = ""  # the message's number, where block 2 says it
        self._begin()

    def _begin(self) -> None:
        self._head: dict[str, str] = {}
        self._where = ""
        self._is_open = self._is_over = False
        self._seen: set[str] = set()
        self._currency = ""
        self._entry: Tag | None = None
        self._notes: list[str] = []
        self._details: list[str] = []
        self._tally = _Tally()

    def take(self, tag: Tag) -> Iterator[StatementPart]:
        if tag.name == "{2:":
            self._application = _application(tag.value)
        elif tag.name == "":
            yield from self._book()
            self._is_over = True
        else:
            if tag.name == "20" or (self._is_over and tag.name in {"25", "25P"}):
                yield from self.finish()
            self._is_over = False
            self._where = self._where or tag.where
            yield from self._field(tag)

    def _field(self, tag: Tag) -> Iterator[StatementPart]:
        name = tag.name
        self._seen.add(name)
        if name == "NS":
            self._notes += tag.lines
        elif name == "86":
            self._details = tag.lines if self._entry is not None and not self._details else self._details
            yield from self._open(tag)
        elif name in _HEAD:
            if self._is_open:
                yield _broken(tag.where, "order", f"field {name} stands after the first balance or entry")
            else:
                self._head.setdefault(name[:2], tag.value)
        else:
            yield from self._book()
            yield from self._open(tag)
            yield from self._body(tag)

    def _open(self, tag: Tag) -> Iterator[StatementPart]:
        """The header is complete where the first field after it begins."""
        if self._is_open:
            return
        self._is_open, self._notes = True, []
        account = self._head.get("25", "")
        self._currency = _currency_in(tag) or _currency_at_end(account)
        servicer, slash, _ = account.partition("/")
        is_interim = tag.name in _INTERIM or self._application == "942"
        yield StatementHeader(
            where=self._where,
            account=account[:MAX_NAME],
            servicer=servicer[:MAX_NAME] if slash else "",
            statement_id=self._head.get("20", "")[:MAX_NAME],
            sequence=self._head.get("28", "")[:MAX_NAME],
            kind="interim" if is_interim else "booked",
            currency=self._currency,
            from_date=_balance_date(tag),
        )

    def _body(self, tag: Tag) -> Iterator[StatementPart]:
        if tag.name == "61":
            self._entry = tag
        elif tag.name in _BALANCES:
            yield from self._balance(tag)
        elif tag.name in {"90D", "90C"}:
            yield from self._tally.compare(tag)

    def _balance(self, tag: Tag) -> Iterator[StatementPart]:
        match = BALANCE.fullmatch(tag.value.replace(" ", ""))
        if match is None:
            raise Refused(f"field {tag.name} is no balance", rule="balance", where=tag.where)
        on = day_of(match[2])
        if on is None:
            yield _broken(tag.where, "date", f"the date of field {tag.name} is none")
        # One message is of one currency, so a balance that leaves it out is in that of those before.
        currency = match[3] or self._currency
        self._currency = self._currency or currency
        if not currency:
            yield _broken(tag.where, "currency", f"field {tag.name} does not say in which currency it is")
        amount = amount_of(match[4], currency, tag.where)
        signed = -amount if match[1] == "D" else amount
        yield Balance(where=tag.where, kind=_BALANCES[tag.name], amount=signed, currency=currency, on=on)

    def _book(self) -> Iterator[StatementPart]:
        """The entry that waited for its details, if one did."""
        tag, self._entry = self._entry, None
        said, notes = self._details, self._notes
        self._details, self._notes = [], []
        if tag is None:
            return
        match, rest = entry_of(tag)
        value = day_of(match["value"])
        if value is None:
            yield _broken(tag.where, "date", "the value date is none")
        if not self._currency:
            yield _broken(tag.where, "currency", "no field says in which currency the entry is")
        amount = amount_of(match["amount"], self._currency, tag.where)
        signed = -amount if match["mark"] in _MINUS else amount
        self._tally.add(match["mark"], signed)
        yield _transaction(tag, match, signed, self._currency, value, _said(said, notes, rest))

    def finish(self) -> Iterator[StatementPart]:
        """The statement is complete."""
        yield from self._book()
        if self._where:
            if not self._is_open:
                yield from self._open(Tag(self._where, "", [""]))
            yield from self._missing()
            yield StatementEnd(where=self._where, totals=self._tally.compared)
        self._begin()

    def _missing(self) -> Iterator[Finding]:
        if not self._seen & {"61", *_BALANCES, *_INTERIM}:
            yield _broken(self._where, "empty", "the statement has no balance and no entry")
        wanted = [{"20"}, {"25", "25P"}]
        if not self._seen & _INTERIM and self._application != "942":
            wanted += [{"60F", "60M"}, {"62F", "62M"}]
        for names in wanted:
            if not self._seen & names:
                yield _broken(self._where, "mandatory", f"field {min(names)} is missing")


class _Tally:
    """Number and sum of the entries of an intraday report, by direction."""

    def __init__(self) -> None:
        self.compared = 0
        self._found: dict[str, tuple[int, Decimal]] = {}

    def add(self, mark: str, signed: Decimal) -> None:
        # Banks count what is taken back on the side it was booked on, or on the side it is booked on now.
        for side in ("mark " + mark[-1], "sign " + ("D" if signed < 0 else "C")):
            count, total = self._found.get(side, (0, Decimal(0)))
            self._found[side] = (count + 1, add(total, abs(signed)))

    def compare(self, tag: Tag) -> Iterator[Finding]:
        match = SUM.fullmatch(tag.value.replace(" ", ""))
        if match is None:
            raise Refused(f"field {tag.name} is no number and sum", rule="sum", where=tag.where)
        self.compared += 1
        stated = (int(match[1]), amount_of(match[3], match[2], tag.where))
        found = [self._found.get(f"{how} {tag.name[-1]}", (0, Decimal(0))) for how in ("mark", "sign")]
        if stated not in found:
            count, total = found[0]
            stands = f"field {tag.name} states {stated[0]} entries of {stated[1]}"
            said = f"{stands}, there are {count} of {total}"
            yield Finding(verdict=ARITHMETIC, rule="sums", message=said, where=tag.where)


def _transaction(
    tag: Tag, match: re.Match[str], amount: Decimal, currency: str, value: date | None, said: Details
) -> Transaction:
    mark, code = match["mark"], match["type"].strip()
    return Transaction(
        where=tag.where,
        amount=amount,
        currency=currency,
        booked=booked_on(match["day"], value),
        value=value,
        status="pending" if mark.startswith("E") else "booked",
        is_reversal=mark.startswith("R"),
        reference=given(match["bank"] or ""),
        end_to_end=said.end_to_end or given(match["own"]),
        counterparty=said.counterparty,
        counterparty_account=said.counterparty_account,
        code=f"{code}/{said.code}" if said.code else code,
        text=said.text,
    )


def _said(lines: list[str], notes: list[str], rest: list[str]) -> Details:
    """What field 86 says of the entry, else field NS, else the second line of field 61."""
    if lines:
        return details(lines)
    if notes:
        parts = [match for match in map(_NOTE.match, notes) if match is not None]
        text = " ".join(match[2] for match in parts if match[1] < "15")
        name = " ".join(match[2] for match in parts if match[1] in {"15", "16"})
        return Details(text=bounded(text), counterparty=bounded(name)[:MAX_NAME])
    return Details(text=bounded(" ".join(rest)))


def _application(block: str) -> str:
    match = re.search(r"\{2:[IO]([0-9]{3})", block)
    return match[1] if match else ""


def _currency_in(tag: Tag) -> str:
    match = BALANCE.fullmatch(tag.value.replace(" ", "")) if tag.name in _BALANCES else None
    if match is not None:
        return match[3] or ""
    floor = FLOOR.match(tag.value) if tag.name == "34F" else None
    return floor[1] if floor is not None else ""


def _currency_at_end(account: str) -> str:
    """The currency that some banks write behind the account."""
    match = _IN_25.fullmatch(account)
    return match[1] if match is not None and match[1] in DECIMALS else ""


def _balance_date(tag: Tag) -> date | None:
    match = BALANCE.fullmatch(tag.value.replace(" ", "")) if tag.name.startswith("60") else None
    return None if match is None else day_of(match[2])


def _broken(where: str, rule: str, message: str) -> Finding:
    return Finding(verdict=SCHEMA, rule=rule, message=message, where=where)
