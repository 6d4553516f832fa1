"""Payments that a partner reports as CSV, booked once each whatever is sent how often.

The header names the columns of `COLUMNS` in any order; other columns are kept
in `extra`. A payment is known by its id among all partners: the same again is
a duplicate, the same id with other content a conflict, and both are the
engine's to see. Rows that break a rule are rejected one by one; a file that is
broken as a file is refused as a whole.

Option `require_final_newline = true` also refuses a file whose last row has no
line break: partners who always write one are then safe from a cut in the last cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO, TypeVar

from ingest import Context, FileExtracted, FileLanded, PermanentError, processor, table
from ingest.vetting import TEXTS, check_kind, head_of
from processors.currencies import DECIMALS
from processors.facts import PaymentSettled
from processors.formats.csv_records import Row
from processors.formats.tables_csv import read_rows
from processors.money import RuleBroken, parse_amount

COLUMNS = ("payment_id", "account", "amount", "currency", "value_date", "counterparty", "reference")
MAX_NAME = 200  # characters of a payment's id or an account
MAX_RAW = 200  # characters of a refused cell that are kept
MAX_HEADER = 4_096  # characters in which a content is recognised

_Value = TypeVar("_Value")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

PAYMENTS = table(
    "payments",
    unique="payment_id",
    payment_id=str,
    account=str,
    amount=Decimal,
    currency=str,
    value_date=date,
    counterparty=str,
    reference=str,
    extra=dict,
)


class RowRefused(ValueError):
    """A row of the file breaks a rule: that of one cell, or `columns` when it has too few or too many."""

    def __init__(self, *, rule: str, raw: str, column: str | None = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.column = column
        self.raw = raw[:MAX_RAW]


def recognise(file: BinaryIO, _: Mapping[str, Any], encoding: str) -> str:
    """`payments` for CSV whose first line has all the columns of a payment."""
    header = head_of(file, MAX_HEADER, encoding=encoding).partition("\n")[0].strip().split(",")
    return "payments" if set(COLUMNS) <= set(header) else ""


@processor(accepts=(FileLanded, FileExtracted), version="1", recognises=recognise)
def payments(event: FileLanded | FileExtracted, ctx: Context) -> None:
    """Every payment of the file is handed over for booking, and each row that cannot be is rejected."""
    must_end = bool(ctx.options.get("require_final_newline"))
    with ctx.open() as file:
        check_kind(file, TEXTS, called="text")
        sheet = read_rows(file, encoding=event.encoding, required=COLUMNS)
        for row in sheet.rows:
            if must_end and not row.is_ended:
                raise PermanentError(f"line {row.line}: truncated: no line break ends the last row")
            try:
                _hand_over(ctx, _cells(sheet.header, row))
            except RowRefused as refused:
                ctx.reject(line=row.line, column=refused.column, rule=refused.rule, raw=refused.raw)


def _cells(header: tuple[str, ...], row: Row) -> dict[str, str]:
    if len(row.cells) != len(header):
        raise RowRefused(rule="columns", raw=row.raw)
    return dict(zip(header, row.cells, strict=True))


def _hand_over(ctx: Context, cells: dict[str, str]) -> None:
    fact = parse_payment(cells)
    values = {name: getattr(fact, name) for name in COLUMNS}
    values["extra"] = {name: text for name, text in cells.items() if name not in values}
    ctx.insert(PAYMENTS, values, fact=fact, key=fact.account, name=fact.payment_id)


def parse_payment(cells: Mapping[str, str]) -> PaymentSettled:
    """The payment that a row's cells, by column, describe.

    Raises `RowRefused` for a cell that breaks a rule.
    """
    payment_id = _read(cells, "payment_id", _name)
    account = _read(cells, "account", _name)
    currency = _read(cells, "currency", _currency)
    return PaymentSettled(
        payment_id=payment_id,
        account=account,
        amount=_read(cells, "amount", partial(parse_amount, decimals=DECIMALS[currency])),
        currency=currency,
        value_date=_read(cells, "value_date", _date),
        counterparty=cells["counterparty"],
        reference=cells["reference"],
    )


def _read(cells: Mapping[str, str], column: str, parse: Callable[[str], _Value]) -> _Value:
    text = cells[column]
    if not text:
        raise RowRefused(rule="required", column=column, raw="")
    try:
        return parse(text)
    except RuleBroken as broken:
        raise RowRefused(rule=broken.rule, column=column, raw=text) from None


def _name(text: str) -> str:
    if len(text) > MAX_NAME:
        raise RuleBroken("length")
    # " P1" and "P1" must not be two payments, nor two ids that look the same to a person.
    if text != text.strip():
        raise RuleBroken("spaces")
    if not text.isprintable():
        raise RuleBroken("characters")
    return text


def _currency(text: str) -> str:
    if text not in DECIMALS:
        raise RuleBroken("currency")
    return text


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise RuleBroken("date")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RuleBroken("date") from None
