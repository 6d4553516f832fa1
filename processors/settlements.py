"""Bank statements become payments that settled: each movement once, whatever statements tell of it.

A movement stands while some statement claims it. What a statement is the first
to claim is settled; what a corrected statement claims no more, and no other
does, is reversed. Every table grows row by row, each under the `keyseq` of its
statement within the account, and a run reads rows below its own only: so it
comes to the same whenever it is repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from ingest import Context, processor, table
from processors.currencies import DECIMALS
from processors.digests import digest
from processors.facts import PaymentReversed, PaymentSettled, StatementReceived
from processors.money import minor_units
from processors.movements import REFERENCES, Movement, movements, nth
from processors.sequence import keyseq_of

PAGES = table(
    "statement_pages",
    unique=("statement", "keyseq"),
    statement=str,  # 32 hexadecimal digits: the account, and the bank's name and kind of the statement
    keyseq=int,  # of the fact, within its account
    account=str,
    name=str,  # the bank's
    kind=str,
    version=str,  # the id of what told it: all pages of one telling have the same
    page=int,
    is_last=bool,
    received_at=datetime | None,
    balances=str,  # 32 hexadecimal digits: of its dates and balances
    state=str,  # "waiting": for other pages | "standing" | "repeated" | "older"
    first=int | None,  # keyseq of the first page that came; this and the next once no page is missing
    content=str | None,  # 32 hexadecimal digits: of all pages
)
ENTRIES = table(
    "statement_page_entries",
    unique=("statement", "keyseq"),
    statement=str,
    keyseq=int,
    likenesses=list,  # of the movements on this page
    entries=list | None,  # as they were told, where another page had to be waited for
)
MOVEMENTS = table(
    "movements",
    unique=("movement", "keyseq"),
    movement=str,  # 32 hexadecimal digits
    keyseq=int,
    change=str,  # "booked" | "claimed": by one more statement | "released": by one of several | "reversed"
    amount_minor=int,  # what it changes: zero for "claimed" and "released"
    exponent=int,
    claims=int,  # statements that claim it from now on
    times=int,  # how often it was booked until now
    payment_id=str,
    account=str,
    currency=str,
    amount=Decimal,
    booked=date,
    value_date=date,
    counterparty=str,
    reference=str,  # the bank's
    named=str,  # by what the payer named it
    statement=str,
)
_CHUNK = 500  # movements looked up in one go
_Row = dict[str, Any]
_Item = TypeVar("_Item")


def check(options: Mapping[str, Any]) -> None:
    """Raise `ValueError` for options that it cannot work with."""
    if options.get("references", REFERENCES[0]) not in REFERENCES:
        msg = f'references is "{REFERENCES[0]}" or "{REFERENCES[1]}"'
        raise ValueError(msg)


@processor(accepts=StatementReceived, version="1", check=check)
def settlements(event: StatementReceived, ctx: Context) -> None:
    """Once its last page is there, what the statement claims is settled, and no movement twice."""
    _Run(event, ctx).run()


class _Run:
    """One page of a statement, and what stood before it."""

    def __init__(self, told: StatementReceived, ctx: Context) -> None:
        self._told, self._ctx = told, ctx
        self._at = keyseq_of(ctx)
        self._statement = digest(told.account, told.kind, told.statement)
        self._version = ctx.event.causationid or ctx.event.id
        self._references = ctx.options.get("references", REFERENCES[0])

    def run(self) -> None:
        """The page is kept; what follows from the statement, if it is whole now, is handed over."""
        before = self._before()
        own = [row for row in before if row["version"] == self._version]
        if any(row["page"] == self._told.page for row in own):
            self._ctx.insert(PAGES, self._row("repeated"))
            return
        pages = _whole([*own, self._row("waiting")])
        self._keep(is_waiting=not pages)
        if not pages:
            self._ctx.insert(PAGES, self._row("waiting"))
            return
        first, content = min(page["keyseq"] for page in pages), self._content(pages)
        state = self._state(before, first, content)
        self._ctx.insert(PAGES, self._row(state, first=first, content=content))
        if state == "standing":
            self._settle(pages, _standing(before))

    def _before(self) -> list[_Row]:
        rows = self._ctx.select(PAGES, statement=self._statement)
        return sorted((row for row in rows if row["keyseq"] < self._at), key=itemgetter("keyseq"))

    def _state(self, before: Sequence[_Row], first: int, content: str) -> str:
        if any(row["content"] == content for row in before if row["state"] == "standing"):
            return "repeated"
        stands = next((row for row in reversed(before) if row["state"] == "standing"), None)
        if stands is None:
            return "standing"
        mine, other = self._told.received_at, stands["received_at"]
        is_told = mine is not None and other is not None and mine != other
        is_older = mine < other if is_told else first < stands["first"]
        return "older" if is_older else "standing"

    def _row(self, state: str, *, first: int | None = None, content: str | None = None) -> _Row:
        told = self._told
        return {
            "statement": self._statement,
            "keyseq": self._at,
            "account": told.account,
            "name": told.statement,
            "kind": told.kind,
            "version": self._version,
            "page": told.page,
            "is_last": told.is_last,
            "received_at": told.received_at,
            "balances": digest(*map(str, (told.from_date, told.to_date, told.opening, told.closing))),
            "state": state,
            "first": first,
            "content": content,
        }

    def _keep(self, *, is_waiting: bool) -> None:
        """Which movements the page tells of is kept; the entries too, while another page is waited for."""
        likenesses = [each.likeness for each in self._movements(self._told.entries)]
        entries = list(map(dict, self._told.entries)) if is_waiting else None
        row = {"statement": self._statement, "keyseq": self._at, "likenesses": likenesses, "entries": entries}
        self._ctx.insert(ENTRIES, row)

    def _content(self, pages: Sequence[_Row]) -> str:
        """What the statement says, however it is divided into pages."""
        says = hashlib.sha256(pages[-1]["balances"].encode())
        for page in pages:
            for entry in self._entries_of(page["keyseq"]):
                says.update(json.dumps(entry, sort_keys=True).encode())
        return says.hexdigest()[:32]

    def _entries_of(self, keyseq: int) -> Sequence[Mapping[str, str]]:
        if keyseq == self._at:
            return list(map(dict, self._told.entries))
        (row,) = self._ctx.select(ENTRIES, statement=self._statement, keyseq=keyseq)
        entries: list[Mapping[str, str]] = row["entries"]
        return entries

    def _movements(self, entries: Sequence[Mapping[str, str]]) -> Iterator[Movement]:
        return movements(self._told, entries, references=self._references)

    def _settle(self, pages: Sequence[_Row], former: Sequence[_Row]) -> None:
        """What the statement claims otherwise than its former version did is booked, or reversed."""
        had, has = Counter[str](), Counter[str]()
        for page in former:
            (kept,) = self._ctx.select(ENTRIES, statement=self._statement, keyseq=page["keyseq"])
            had.update(kept["likenesses"])
        for added in _pieces(self._added(pages, had, has)):
            self._claim(dict(added))
        gone = ((like, number) for like, most in had.items() for number in range(has[like] + 1, most + 1))
        for ids in _pieces(nth(like, number) for like, number in gone):
            self._release(ids)

    def _added(
        self, pages: Sequence[_Row], had: Counter[str], has: Counter[str]
    ) -> Iterator[tuple[str, Movement]]:
        """Movements that the former version did not claim, by id; `has` counts all."""
        for page in pages:
            for each in self._movements(self._entries_of(page["keyseq"])):
                has[each.likeness] += 1
                if has[each.likeness] > had[each.likeness]:
                    yield nth(each.likeness, has[each.likeness]), each

    def _claim(self, added: Mapping[str, Movement]) -> None:
        stands = self._latest(added)
        for id_, each in added.items():
            former = stands.get(id_)
            if former is not None and former["claims"]:
                self._change(former, "claimed", claims=former["claims"] + 1)
            else:
                self._book(id_, each, times=1 if former is None else former["times"] + 1)

    def _book(self, id_: str, each: Movement, *, times: int) -> None:
        payment_id = id_ if times == 1 else f"{id_}.{times}"
        row = {
            "movement": id_,
            "keyseq": self._at,
            "change": "booked",
            "amount_minor": minor_units(each.amount, each.currency),
            "exponent": DECIMALS[each.currency],
            "claims": 1,
            "times": times,
            "payment_id": payment_id,
            "account": self._told.account,
            "currency": each.currency,
            "amount": each.amount,
            "booked": each.booked,
            "value_date": each.value_date,
            "counterparty": each.counterparty,
            "reference": each.reference,
            "named": each.named,
            "statement": self._told.statement,
        }
        settled = PaymentSettled(
            payment_id=payment_id,
            account=self._told.account,
            amount=each.amount,
            currency=each.currency,
            value_date=each.value_date,
            counterparty=each.counterparty,
            reference=each.named,
        )
        self._ctx.insert(MOVEMENTS, row, fact=settled, key=self._told.account, name=payment_id)

    def _release(self, ids: Sequence[str]) -> None:
        for former in self._latest(ids).values():
            if former["claims"] > 1:
                self._change(former, "released", claims=former["claims"] - 1)
            else:
                self._reverse(former)

    def _reverse(self, former: _Row) -> None:
        reversed_ = PaymentReversed(
            payment_id=former["payment_id"],
            account=former["account"],
            amount=former["amount"],
            currency=former["currency"],
            value_date=former["value_date"],
            reference=former["named"],
            reason="corrected",
        )
        minor = minor_units(former["amount"], former["currency"])
        row = self._changed(former, "reversed", claims=0) | {"amount_minor": -minor}
        self._ctx.insert(MOVEMENTS, row, fact=reversed_, key=former["account"], name=former["payment_id"])

    def _change(self, former: _Row, change: str, *, claims: int) -> None:
        self._ctx.insert(MOVEMENTS, self._changed(former, change, claims=claims))

    def _changed(self, former: _Row, change: str, *, claims: int) -> _Row:
        kept = {name: value for name, value in former.items() if name != "event_id"}
        told = {"keyseq": self._at, "statement": self._told.statement, "amount_minor": 0}
        return {**kept, **told, "change": change, "claims": claims}

    def _latest(self, ids: Iterable[str]) -> dict[str, _Row]:
        """By id, the last thing that happened to each movement before this statement."""
        rows = [row for row in self._ctx.select(MOVEMENTS, movement=set(ids)) if row["keyseq"] < self._at]
        return {row["movement"]: row for row in sorted(rows, key=itemgetter("keyseq"))}


def _standing(before: Sequence[_Row]) -> list[_Row]:
    """The pages, in their order, of that version of a statement which stands; none where none does."""
    for row in reversed(before):
        if row["state"] == "standing":
            return _whole([one for one in before if one["version"] == row["version"]])
    return []


def _whole(rows: Sequence[_Row]) -> list[_Row]:
    """The pages of one version in their order, given as they arrived; none while one is missing."""
    pages = {row["page"]: row for row in reversed(rows)}  # of two with one number, the first to come
    last = next((row["page"] for row in rows if row["is_last"]), 0)
    numbers = range(1, last + 1)
    return [pages[number] for number in numbers] if all(number in pages for number in numbers) else []


def _pieces(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    source = iter(items)
    while piece := list(islice(source, _CHUNK)):
        yield piece
