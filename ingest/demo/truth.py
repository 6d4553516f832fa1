"""What the demonstration came to, read from the store, and held against what it must have become."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ingest.domain.events import FileLanded, FileRefused
from ingest.store import sources
from ingest.store.engine import Store, Tx
from ingest.store.reading import booked, browsing, history
from ingest.store.reading.browsing import Listed, Window
from ingest.store.reading.history import Handling
from ingest.store.reading.refused import refused
from ingest.store.selection import Selection

BOOKS = "payments"  # the processor whose outcomes the sample data tells, and its table
LEDGER = "ledger_postings"
SETTLED = "ingest.payment.settled.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one version of one file, or of a refusal."""

    position: int
    source: str
    path: str
    version: int | None  # None: it was refused
    outcome: str
    booked: int = 0
    duplicate: int = 0
    rejected: int = 0
    said: str = ""  # why it is dead, superseded or refused
    duplicate_of: str | None = None  # the path of the first file with these bytes

    @property
    def key(self) -> tuple[str, str, int | None]:
        """Which file it is."""
        return self.source, self.path, self.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Everything that was booked, and how many of everything there are."""

    totals: Mapping[str, int]
    outcomes: Mapping[str, Mapping[str, int]]
    payments: Mapping[str, Mapping[str, Any]]  # currency -> count and sum
    balances: Mapping[str, Mapping[str, int]]  # currency -> account -> minor units


def fates(store: Store, *, after: int = 0, now: datetime) -> list[Fate]:
    """What became of every file that landed or was refused after position `after`."""
    rejected = Counter(row.event_id for row in refused(store, processor=BOOKS))
    with store.read() as tx:
        events = _events(tx, (FileLanded.type, FileRefused.type), after=after, now=now)
        paths = {
            event.id: json.loads(event.body)["data"]["path"]
            for event in _events(tx, (FileLanded.type,), now=now)
        }
        return [
            _fate(event, life.handlings, rejected, paths)
            for event, life in zip(events, history.lives(tx, events), strict=True)
        ]


def books(store: Store, *, now: datetime) -> Books:
    """What stands booked, in one snapshot."""
    rejected = sum(1 for _ in refused(store))
    with store.read() as tx:
        landed = _events(tx, (FileLanded.type,), now=now)
        settled = _events(tx, (SETTLED,), now=now)
        refusals = _events(tx, (FileRefused.type,), now=now)
        payments, balances = _payments(tx), _balances(tx)
        totals = {
            "landed": len(landed),
            "redelivered": sum(row.redelivered for row in sources.every(tx)),
            "refused": len(refusals),
            "duplicateof": sum(1 for event in landed if json.loads(event.body)["data"]["duplicateof"]),
            "settled": len(settled),
            "payments": booked.count(tx, BOOKS),
            "ledger_postings": booked.count(tx, LEDGER),
            "rejects": rejected,
        }
    outcomes = _outcomes([*landed, *settled])
    return Books(totals=totals, outcomes=outcomes, payments=payments, balances=balances)


def differences(expected: Mapping[str, Any], found: Books, told: list[Fate]) -> list[str]:
    """Where what was found is not what the sample data promises, in words."""
    wrong = list(_compare("totals", expected["totals"], found.totals))
    for processor, states in expected["outcomes"].items():
        wrong += _compare(f"outcomes of {processor}", states, found.outcomes.get(processor, {}))
    wrong += _compare("payments", expected["payments"], found.payments)
    wrong += _compare("balances", expected["balances"], found.balances)
    by_key = {fate.key: fate for fate in told}
    for each in expected["landed"]:
        wrong += _compare_fate(each, by_key.get((each["source"], each["path"], each["version"])))
    for each in expected["refused"]:
        fate = by_key.get((each["source"], each["path"], None))
        if fate is None or not fate.said.startswith(each["reason"]):
            wrong.append(f"{each['source']} {each['path']!r} was not refused as {each['reason']}")
    return wrong


def _events(tx: Tx, types: tuple[str, ...], *, after: int = 0, now: datetime) -> list[Listed]:
    found: list[Listed] = []
    while page := browsing.page(
        tx, Selection(types=types), Window(after=found[-1].position if found else after), now=now
    ):
        found += page
    return found


def _fate(
    event: Listed, handlings: tuple[Handling, ...], rejected: Counter[str], paths: Mapping[str, str]
) -> Fate:
    data = json.loads(event.body)["data"]
    at: dict[str, Any] = {"position": event.position, "source": event.origin, "path": data["path"]}
    if event.type == FileRefused.type:
        return Fate(**at, version=None, outcome="refused", said=f"{data['reason']}: {data['message']}")
    mine = next((handling for handling in handlings if handling.processor == BOOKS), None)
    outcome = mine.outcome if mine is not None else None
    return Fate(
        **at,
        version=data["version"],
        outcome=mine.state if mine is not None else "waiting",
        booked=outcome.rows_booked if outcome is not None else 0,
        duplicate=outcome.rows_duplicate if outcome is not None else 0,
        rejected=rejected[event.id],
        said=(mine.error or (outcome.note if outcome is not None else "")) if mine is not None else "",
        duplicate_of=paths.get(data["duplicateof"] or ""),
    )


def _outcomes(events: list[Listed]) -> dict[str, dict[str, int]]:
    """How many deliveries of each processor came to what."""
    found: dict[str, dict[str, int]] = {}
    for event in events:
        for processor, state in event.deliveries.items():
            states = found.setdefault(processor, {})
            states[state] = states.get(state, 0) + 1
    return found


def _payments(tx: Tx) -> dict[str, dict[str, Any]]:
    found: dict[str, list[Decimal]] = {}
    for currency, amount in booked.rows(tx, BOOKS, ("currency", "amount")):
        found.setdefault(currency, []).append(Decimal(amount))
    return {
        currency: {"count": len(amounts), "sum": format(sum(amounts), "f")}
        for currency, amounts in sorted(found.items())
    }


def _balances(tx: Tx) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for currency, account, amount in booked.rows(tx, LEDGER, ("currency", "account", "amount_minor")):
        accounts = found.setdefault(currency, {})
        accounts[account] = accounts.get(account, 0) + amount
    return {currency: dict(sorted(accounts.items())) for currency, accounts in sorted(found.items())}


def _compare(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        here = found.get(name, {} if isinstance(value, Mapping) else 0)
        if isinstance(value, Mapping):
            yield from _compare(f"{what}, {name}", value, here)
        elif here != value:
            yield f"{what}: {name} is {here}, not {value}"


def _compare_fate(expected: Mapping[str, Any], fate: Fate | None) -> Iterator[str]:
    what = f"{expected['source']} {expected['path']!r} version {expected['version']}"
    if fate is None:
        yield f"{what} did not land"
        return
    for name in ("outcome", "booked", "duplicate", "rejected"):
        if getattr(fate, name) != expected[name]:
            yield f"{what}: {name} is {getattr(fate, name)}, not {expected[name]}"
    if fate.duplicate_of != expected.get("duplicateof"):
        yield f"{what}: duplicateof is {fate.duplicate_of}, not {expected.get('duplicateof')}"
    if expected.get("error", "") not in fate.said:
        yield f"{what}: it says {fate.said!r}, and nothing of {expected['error']!r}"
