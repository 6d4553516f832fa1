"""A statement told in facts: in pages of entries, so that no fact grows with the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from ingest import Context
from processors.facts import StatementReceived
from processors.formats.statement import StatementHeader, Transaction, entry_of

PAGE = 500  # entries that one fact tells of at most


def statement_name(header: StatementHeader) -> str:
    """What a statement is called within its account: all that its bank says, since ids alone come again."""
    day = header.to_date or header.from_date
    said = (header.statement_id, header.sequence, "" if day is None else day.isoformat())
    return "/".join(filter(None, said)) or "unnamed"


class Pages:
    """The facts of a file's statements, one after the other."""

    def __init__(self, ctx: Context, received_at: datetime) -> None:
        self._ctx, self._received_at = ctx, received_at
        self._told: dict[str, int] = {}  # names that facts begin with, and how often
        self._entries: list[Mapping[str, str]] = []
        self._page = 0

    def begin(self, header: StatementHeader) -> str:
        """A statement begins; its name."""
        self._header, self._statement = header, self._named(header)
        self._currency = header.currency
        self._opening: Decimal | None = None
        self._page = 0
        self._entries = []
        return self._statement

    def _named(self, header: StatementHeader) -> str:
        name = made = statement_name(header)
        first = f"{header.account}/{name}/{header.kind}"
        while f"{header.account}/{made}/{header.kind}" in self._told:
            # Two statements of one name in one file are no correction of each other.
            self._told[first] += 1
            made = f"{name}#{self._told[first]}"
        self._told[f"{header.account}/{made}/{header.kind}"] = 1
        return made

    def add(self, entry: Transaction, opening: Decimal | None) -> None:
        """One more entry; `opening` is the balance as far as it is known."""
        if len(self._entries) == PAGE:
            self._tell(opening, None, is_last=False)
        self._entries.append(entry_of(entry))

    def end(self, opening: Decimal | None, closing: Decimal | None, currency: str) -> None:
        """The statement is complete: its last page, the only one that tells the closing balance."""
        self._currency = currency
        self._tell(opening, closing, is_last=True)

    def _tell(self, opening: Decimal | None, closing: Decimal | None, *, is_last: bool) -> None:
        header, entries = self._header, self._entries
        self._entries = []
        if not header.account:
            return  # nobody could tell which account moved: it stays in the rows of a lenient source
        self._page += 1
        fact = StatementReceived(
            account=header.account,
            statement=self._statement,
            kind=header.kind,
            currency=self._currency,
            from_date=header.from_date,
            to_date=header.to_date,
            opening=opening,
            closing=closing,
            page=self._page,
            is_last=is_last,
            entries=entries,
            received_at=self._received_at,
        )
        name = f"{header.account}/{self._statement}/{header.kind}/{self._page}"
        self._ctx.emit(fact, key=header.account, name=name)
