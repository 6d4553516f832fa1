"""Processors that state what a file of JSON says, so that consumers of facts are tried on the real engine."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from ingest import Context, FileLanded, fact, processor
from processors.facts import StatementReceived

Entry = Mapping[str, str]


@fact("test.telling.given", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class TellingGiven:
    """One of several tellings that came in one file."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    pages: str  # JSON


@processor(accepts=FileLanded, version="1", tables=[])
def parting(_event: FileLanded, ctx: Context) -> None:
    """Each telling of the file is a fact, all in one order."""
    with ctx.open() as file:
        for number, told in enumerate(json.load(file)):
            ctx.emit(TellingGiven(pages=json.dumps(told)), key="all", name=str(number))


@processor(accepts=TellingGiven, version="1", tables=[])
def telling(event: TellingGiven, ctx: Context) -> None:
    """Each page of the telling is a fact, in its order."""
    _state(json.loads(event.pages), ctx)


@processor(accepts=FileLanded, version="1", tables=[])
def stating(_event: FileLanded, ctx: Context) -> None:
    """Each page of the file is a fact, in its order."""
    with ctx.open() as file:
        _state(json.load(file), ctx)


def _state(told: Sequence[dict[str, Any]], ctx: Context) -> None:
    for page in told:
        received = fact_of(page)
        name = f"{received.account}/{received.statement}/{received.page}"
        ctx.emit(received, key=received.account, name=name)


def fact_of(page: Mapping[str, Any]) -> StatementReceived:
    """The fact that a page of `pages` stands for."""
    given = page["received_at"]
    received_at = datetime.fromisoformat(given) if given else None
    not_told = {"from_date": None, "to_date": None, "opening": None, "closing": None}
    return StatementReceived(**{**page, **not_told, "received_at": received_at})


def pages(
    statement: str,
    entries: Sequence[Entry],
    *,
    account: str = "A",
    kind: str = "booked",
    size: int = 1000,
    received_at: str | None = None,
) -> list[dict[str, Any]]:
    """A statement, `size` entries a page."""
    starts = range(0, len(entries) or 1, size)
    return [
        {
            "account": account,
            "statement": statement,
            "kind": kind,
            "currency": "EUR",
            "page": number,
            "is_last": start == starts[-1],
            "entries": list(entries[start : start + size]),
            "received_at": received_at,
        }
        for number, start in enumerate(starts, start=1)
    ]


def entry(amount: str, *, day: str = "2026-03-02", **others: str) -> dict[str, str]:
    """A booked movement."""
    return {"amount": amount, "currency": "EUR", "booked": day, "status": "booked", **others}


def written(*of_pages: list[dict[str, Any]]) -> str:
    """The file in which these statements stand."""
    return json.dumps([page for one in of_pages for page in one])
