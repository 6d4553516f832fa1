"""Account statements of banks, in any of the formats that banks send: one model, three verdicts.

Options: `format` is one of `FORMATS`, or `auto` (the default): the one that
the content has. `currency` is that of amounts for which the file states none.
`strictness` and `on_mismatch` are those of `processors.verdicts`:
unless told otherwise, a statement whose totals do not add up is refused as a
whole, so that nobody posts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ingest import Context, FileExtracted, FileLanded, processor, table
from ingest.vetting import TEXTS, check_kind
from processors.currencies import DECIMALS
from processors.formats.balancing import OPENING
from processors.formats.finding import ARITHMETIC, Finding
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction
from processors.money import minor_units
from processors.statement_formats import AUTO, FORMATS, recognise, recognised
from processors.statement_pages import Pages
from processors.verdicts import JUDGING, Verdicts, check_policy, every_policy, findings_table, options_for

_ROWS = 1_000  # that are collected before they are handed over

STATEMENTS = table(
    "statements",
    account=str,
    servicer=str,
    statement=str,  # the name under which facts tell of it
    statement_id=str,  # the bank's own
    sequence=str,
    kind=str,  # "booked" | "interim" | "notification"
    currency=str,
    from_date=date | None,
    to_date=date | None,
    opening_minor=int | None,
    closing_minor=int | None,
    exponent=int | None,  # of both
    entries=int,
    booked_entries=int,
    arithmetic_verdict=str,  # "ok" | "mismatch" | "not stated"
)

STATEMENT_BALANCES = table(
    "statement_balances",
    account=str,
    statement=str,
    kind=str,
    amount_minor=int,
    exponent=int,
    currency=str,
    on_date=date | None,
)

TRANSACTIONS = table(
    "transactions",
    account=str,
    statement=str,
    position=int,  # in its statement, from 1
    amount_minor=int,  # negative: money that goes out
    exponent=int,
    currency=str,
    booked_on=date | None,
    value_date=date | None,
    status=str,  # "booked" | "pending" | "information" | "undated"
    is_reversal=bool,
    reference=str,  # the bank's
    end_to_end=str,  # the payer's
    counterparty=str,
    counterparty_account=str,
    code=str,
    text=str,
    parts=int,  # payments that the entry stands for
)

STATEMENT_FINDINGS = findings_table("statement_findings")


def _check(options: Mapping[str, Any]) -> None:
    check_policy(options, ("format", "currency"))
    for each in every_policy(options):
        if each.get("format", AUTO) not in {AUTO, *FORMATS}:
            msg = f"format is {AUTO} or one of {', '.join(FORMATS)}"
            raise ValueError(msg)
        if each.get("currency", "EUR") not in DECIMALS:
            msg = "currency is one of ISO 4217 that has a minor unit"
            raise ValueError(msg)


@processor(
    accepts=(FileLanded, FileExtracted), version="1", check=_check, recognises=recognise, judges=JUDGING
)
def statements(event: FileLanded | FileExtracted, ctx: Context) -> None:
    """Every statement of the file becomes rows, and facts in pages; one that is refused refuses the file."""
    with ctx.open() as file:
        check_kind(file, TEXTS, called="text")
        options = options_for(event.source, ctx.options)
        name = recognised(file, options.get("format", AUTO))
        verdicts = Verdicts({"on_mismatch": FORMATS[name].on_mismatch, **options})
        books = _Books(ctx, verdicts, received_at=event.landed_at)
        books.currency = options.get("currency", "")
        for part in FORMATS[name].read(file, event.encoding):
            books.take(part)
    books.flush()
    verdicts.hand_over(ctx, STATEMENT_FINDINGS, format=name)


class _Books:
    """Turns the parts of statements into rows and facts, as they come."""

    def __init__(self, ctx: Context, verdicts: Verdicts, received_at: datetime) -> None:
        self._ctx, self._verdicts = ctx, verdicts
        self.currency = ""  # of amounts that the file gives none
        self._pages = Pages(ctx, received_at)
        self._open: _Statement | None = None
        self._transactions: list[tuple[Any, ...]] = []
        self._balances: list[tuple[Any, ...]] = []
        self._statements: list[tuple[Any, ...]] = []

    def take(self, part: StatementPart) -> None:
        """One more part of the file. Raises `Refused` for a finding that is not let pass."""
        if isinstance(part, StatementHeader):
            self._open = _Statement(header=part, name=self._pages.begin(part))
        elif isinstance(part, Finding):
            self._verdicts.note(part)
            if self._open is not None and part.verdict == ARITHMETIC:
                self._open.is_mismatched = True
        elif self._open is not None:
            self._inside(self._open, part)

    def _inside(self, statement: _Statement, part: Transaction | Balance | StatementEnd) -> None:
        if not isinstance(part, StatementEnd) and not part.currency:
            part = replace(part, currency=self.currency)
        if isinstance(part, Transaction):
            part = _dated(part, statement.header)
            self._transactions.append(statement.entry(part))
            self._pages.add(part, statement.opening)
        elif isinstance(part, Balance):
            self._balances.append(statement.balance(part))
        else:
            self._statements.append(statement.row(part))
            self._pages.end(statement.opening, statement.closing, statement.currency)
            self._verdicts.is_balanced = self._verdicts.is_balanced or part.totals > 0
            self._open = None
        if len(self._transactions) + len(self._balances) + len(self._statements) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        """What was collected is handed over."""
        for rows, to in (
            (self._transactions, TRANSACTIONS),
            (self._balances, STATEMENT_BALANCES),
            (self._statements, STATEMENTS),
        ):
            self._ctx.insert_many(to, rows)
            rows.clear()


def _dated(entry: Transaction, header: StatementHeader) -> Transaction:
    """The entry; one that was booked on a day that nobody tells is "undated"."""
    days = (entry.booked, entry.value, header.to_date, header.from_date)
    return replace(entry, status="undated") if entry.status == "booked" and not any(days) else entry


class _Statement:
    """The statement that is being read."""

    def __init__(self, *, header: StatementHeader, name: str) -> None:
        self.header, self.name, self.currency = header, name, header.currency
        self.is_mismatched = False
        self.opening: Decimal | None = None
        self.closing: Decimal | None = None
        self._is_previous = False  # the opening is only the closing of the statement before
        self._entries = self._booked = 0

    def entry(self, entry: Transaction) -> tuple[Any, ...]:
        """A row of `TRANSACTIONS`."""
        self._entries += 1
        self._booked += entry.status == "booked"
        self.currency = self.currency or entry.currency
        return (
            self.header.account,
            self.name,
            self._entries,
            minor_units(entry.amount, entry.currency),
            DECIMALS[entry.currency],
            entry.currency,
            entry.booked,
            entry.value,
            entry.status,
            entry.is_reversal,
            entry.reference,
            entry.end_to_end,
            entry.counterparty,
            entry.counterparty_account,
            entry.code,
            entry.text,
            entry.parts,
        )

    def balance(self, balance: Balance) -> tuple[Any, ...]:
        """A row of `STATEMENT_BALANCES`; the first opening and closing are those of the statement."""
        minor = minor_units(balance.amount, balance.currency)
        self.currency = self.currency or balance.currency
        if balance.currency == self.currency:
            self._keep(balance)
        return (
            self.header.account,
            self.name,
            balance.kind,
            minor,
            DECIMALS[balance.currency],
            balance.currency,
            balance.on,
        )

    def _keep(self, balance: Balance) -> None:
        if balance.kind == "closing" and self.closing is None:
            self.closing = balance.amount
        elif balance.kind in OPENING and (self.opening is None or self._is_previous):
            if self.opening is None or balance.kind == OPENING[0]:
                self.opening = balance.amount
            self._is_previous = balance.kind != OPENING[0]

    def row(self, end: StatementEnd) -> tuple[Any, ...]:
        """A row of `STATEMENTS`."""
        header = self.header
        stated = "ok" if end.totals else "not stated"
        return (
            header.account,
            header.servicer,
            self.name,
            header.statement_id,
            header.sequence,
            header.kind,
            self.currency,
            header.from_date,
            header.to_date,
            None if self.opening is None else minor_units(self.opening, self.currency),
            None if self.closing is None else minor_units(self.closing, self.currency),
            DECIMALS.get(self.currency),
            self._entries,
            self._booked,
            "mismatch" if self.is_mismatched else stated,
        )
