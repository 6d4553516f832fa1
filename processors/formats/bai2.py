"""Account reports in BAI2, the format of American banks, in the dialects that are in use.

Records may end in a slash or not; continuations go on with fields or with
text. Amounts are whole minor units. Control totals are compared, but banks
differ in what they count and leave movements out that only stand in a sum, so
that `statements` takes a mismatch as a warning unless told otherwise.
https://www.bai.org/globalassets/article-library/migrated/bai2-cash-management-balance-reporting-specifications.pdf
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from ingest.vetting import Refused
from processors.currencies import DECIMALS
from processors.formats.bai2_fields import date_of, funds_of, minor_of, sign_of
from processors.formats.bai2_records import Fields, Record, records
from processors.formats.balancing import balanced
from processors.formats.finding import ARITHMETIC, SCHEMA, Finding
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction

MAX_TEXT = 2_000
MAX_NAME = 200
_DEFAULT_CURRENCY = "USD"  # of a group that names none
_BALANCES = {
    "010": "opening",
    "015": "closing",
    "030": "interim",
    "040": "opening_available",
    "045": "closing_available",
    "060": "interim_available",
}
_STATUS_CODES = range(1, 100)
_FOLLOWS = {
    "": {"01"},
    "01": {"02"},
    "02": {"03", "98"},
    "03": {"16", "49"},
    "16": {"16", "49"},
    "49": {"03", "98"},
    "98": {"02", "99"},
    "99": {"01"},
}
_OPENS = {"01": "file", "02": "group", "03": "account"}
_CLOSES = frozenset({"49", "98", "99"})  # each the innermost that is open
_INTERIM = frozenset({"1", "3"})  # as-of date modifiers: of the day before, of the same day


def read(file: BinaryIO, *, encoding: str) -> Iterator[StatementPart]:
    """The accounts of a file, each a statement, part by part.

    Raises `Refused`: `record_type`, `record_order`, `record_length`, `amount`,
    `currency`, `empty`, and what `Text` refuses.
    """
    return balanced(_parts(file, encoding))


def is_bai2(head: bytes) -> bool:
    """True where a content that begins so is a BAI2 file."""
    return re.match(rb"\s*(?:\xef\xbb\xbf)?01,[^,\r\n]*,[^,\r\n]*,[0-9]{6},", head) is not None


def _parts(file: BinaryIO, encoding: str) -> Iterator[StatementPart]:
    reader = _Reader()
    for record in records(file, encoding=encoding):
        yield from reader.take(record)
    reader.end()


@dataclass(slots=True)
class _Tally:
    """What a control record states about what it closes."""

    total: int = 0
    lines: int = 0  # physical, with continuations
    records: int = 0  # logical
    parts: int = 0  # accounts of a group, groups of a file

    def add(self, other: _Tally) -> None:
        self.total += other.total
        self.lines += other.lines
        self.records += other.records
        self.parts += 1

    def count(self, record: Record) -> None:
        self.lines += record.lines
        self.records += 1


class _Reader:
    """Where in a file the reading is."""

    def __init__(self) -> None:
        self._last = self._where = ""  # of the record before
        self._open: list[tuple[str, str]] = []  # what has begun and where; the innermost last
        self._file, self._group, self._account = _Tally(), _Tally(), _Tally()
        self._file_id = self._currency = self._group_currency = self._modifier = ""
        self._as_of: date | None = None
        self._totals = 0
        self._take = {
            "01": self._file_header,
            "02": self._group_header,
            "03": self._account_header,
            "16": self._movement,
            "49": self._account_trailer,
            "98": self._group_trailer,
            "99": self._file_trailer,
        }

    def take(self, record: Record) -> Iterator[StatementPart]:
        if record.code not in self._take:
            raise Refused(f"{record.code} is no type of record", rule="record_type", where=record.where)
        if record.code not in _FOLLOWS[self._last]:
            after = f"after one of type {self._last}" if self._last else "at the beginning"
            message = f"a record of type {record.code} cannot stand {after}"
            raise Refused(message, rule="record_order", where=record.where)
        self._last, self._where = record.code, record.where
        if record.code in _OPENS:
            self._open.append((_OPENS[record.code], record.where))
        elif record.code in _CLOSES:
            self._open.pop()
        yield from self._take[record.code](record)

    def end(self) -> None:
        """The file has ended as it may; raises `Refused` where it has no records, or something is open."""
        if not self._last:
            raise Refused("the file has no records", rule="empty")
        if self._open:
            what, begun = self._open[-1]
            message = f"the file ends before the trailer record of the {what} that begins at {begun}"
            raise Refused(message, rule="record_order", where=self._where)

    def _file_header(self, record: Record) -> Iterator[StatementPart]:
        fields = Fields(record)
        said = [fields.next() for _ in range(8)]
        self._file = _Tally()
        self._file.count(record)
        self._file_id = said[4][:MAX_NAME]
        if said[7] != "2":
            yield _broken(record.where, "version", "the version of the format is not 2")

    def _group_header(self, record: Record) -> Iterator[StatementPart]:
        fields = Fields(record)
        said = [fields.next() for _ in range(7)]
        self._group = _Tally()
        self._group.count(record)
        self._as_of = date_of(said[3])
        self._group_currency, self._modifier = said[5] or _DEFAULT_CURRENCY, said[6]
        if self._as_of is None:
            yield _broken(record.where, "date", "the as-of date is none")
        if said[2] not in {"1", "3"}:
            yield _broken(record.where, "group_status", "the group is neither an update nor a correction")

    def _account_header(self, record: Record) -> Iterator[StatementPart]:
        fields = Fields(record)
        account, currency = fields.next(), fields.next()
        self._currency = currency or self._group_currency
        self._account, self._totals = _Tally(), 0
        self._account.count(record)
        balances = list(self._summaries(fields, record))
        kinds = {balance.kind for balance in balances}
        is_interim = self._modifier in _INTERIM or (
            not self._modifier and bool(kinds & {"interim", "interim_available"}) and "closing" not in kinds
        )
        if not account:
            yield _broken(record.where, "mandatory", "there is no account number")
        yield StatementHeader(
            where=record.where,
            account=account[:MAX_NAME],
            # A later report of the same day is another one; a day's final report again is its correction.
            sequence=self._file_id if is_interim else "",
            kind="interim" if is_interim else "booked",
            currency=self._currency,
            from_date=self._as_of,
            to_date=self._as_of,
        )
        yield from balances

    def _summaries(self, fields: Fields, record: Record) -> Iterator[Balance]:
        """Balances and sums of record 03; only balances are given on."""
        while not fields.is_over:
            code, amount = fields.next(), fields.next()
            fields.next()  # how many items
            funds_of(fields, record)
            if not amount:
                continue
            minor = minor_of(amount, record)
            self._account.total += minor
            if code.isascii() and code.isdecimal() and int(code) in _STATUS_CODES:
                yield Balance(
                    where=record.where,
                    kind=_BALANCES.get(code, "other"),
                    amount=self._exact(minor, record),
                    currency=self._currency,
                    on=self._as_of,
                )

    def _movement(self, record: Record) -> Iterator[StatementPart]:
        fields = Fields(record)
        code, amount = fields.next(), fields.next()
        value = funds_of(fields, record)
        minor = minor_of(amount, record) if amount else 0
        self._account.count(record)
        self._account.total += minor
        sign = sign_of(code)
        if not sign:
            yield _broken(
                record.where, "type_code", "the type code is neither that of a credit nor of a debit"
            )
        yield Transaction(
            where=record.where,
            amount=self._exact(minor * (sign or 1), record),
            currency=self._currency,
            booked=self._as_of,
            value=value,
            status="booked" if sign else "information",
            reference=fields.next()[:MAX_NAME],
            end_to_end=fields.next()[:MAX_NAME],
            code=code[:MAX_NAME],
            text=fields.rest()[:MAX_TEXT],
        )

    def _account_trailer(self, record: Record) -> Iterator[StatementPart]:
        self._account.count(record)
        said = record.fields()
        yield from self._compare(record, "account", self._account, said[:1], said[1:2], [])
        yield StatementEnd(where=record.where, totals=self._totals)
        self._group.add(self._account)

    def _group_trailer(self, record: Record) -> Iterator[StatementPart]:
        self._group.count(record)
        said = record.fields()
        yield from self._compare(record, "group", self._group, said[:1], said[2:3], said[1:2])
        self._file.add(self._group)

    def _file_trailer(self, record: Record) -> Iterator[StatementPart]:
        self._file.count(record)
        said = record.fields()
        yield from self._compare(record, "file", self._file, said[:1], said[2:3], said[1:2])

    def _compare(
        self,
        record: Record,
        what: str,
        tally: _Tally,
        total: list[str],
        lines: list[str],
        parts: list[str],
    ) -> Iterator[Finding]:
        """Each figure that is stated against what was counted; banks count continuations, or do not."""
        for name, stated, counted in (
            ("total", total, {tally.total}),
            ("number of records", lines, {tally.lines, tally.records}),
            ("number of parts", parts, {tally.parts}),
        ):
            if stated and stated[0]:
                self._totals += 1
                figure = minor_of(stated[0], record)
                if figure not in counted:
                    said = f"the {name} of the {what} is {figure}, counted are {max(counted)}"
                    rule = f"{what}_{name.replace(' ', '_')}"
                    yield Finding(verdict=ARITHMETIC, rule=rule, message=said, where=record.where)

    def _exact(self, minor: int, record: Record) -> Decimal:
        decimals = DECIMALS.get(self._currency)
        if decimals is None:
            message = "an amount in no currency of ISO 4217 that has a minor unit"
            raise Refused(message, rule="currency", where=record.where)
        return Decimal(f"{minor}E-{decimals}")


def _broken(where: str, rule: str, message: str) -> Finding:
    return Finding(verdict=SCHEMA, rule=rule, message=message, where=where)
