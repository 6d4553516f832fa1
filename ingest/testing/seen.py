"""What stands on a bench, as plain values that a test compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.contract import Table
from ingest.domain.codec import decode, loads, typed
from ingest.domain.comparing import Differences
from ingest.store import booking, replays, shadows
from ingest.store import calls as calling
from ingest.store.engine import Store, Tx
from ingest.store.reading import browsing, history, refused
from ingest.store.reading.browsing import Listed, Window
from ingest.store.reading.history import Handling
from ingest.store.selection import Selection
from ingest.work.context import as_declared


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Refusal:
    """A row of an input that a processor, or the engine, refused."""

    processor: str
    line: int | None
    column: str | None
    rule: str
    raw: str  # bounded, escaped


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call to the outside: registered, and made where it has a result or needs none."""

    processor: str
    name: str
    request: Any
    is_made: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one delivery stands: done, retrying, dead, superseded or waiting, and what it came to."""

    processor: str
    subject: str  # path of the file, or name of the fact
    state: str
    error: str | None = None
    rows_in: int = 0
    booked: int = 0
    duplicate: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that processors brought about, in one order whatever order it came in."""

    rows: tuple[str, ...]
    facts: tuple[str, ...]
    refusals: tuple[str, ...]
    calls: tuple[str, ...]
    verdicts: tuple[str, ...]


def rows(tx: Tx, table: Table) -> list[dict[str, Any]]:
    """The rows of a table by their columns, as the processor's types; which event caused them is left out."""
    found = [as_declared(table, row) for row in booking.select_rows(tx, table, {})]
    return [{name: row[name] for name in (column.name for column in table.columns)} for row in found]


def emitted(tx: Tx, processors: Sequence[str]) -> list[Any]:
    """The facts that these processors emitted, in order, as their classes."""
    listed = [event for event in log(tx) if event.producer in processors]
    return [typed(decode(event.body, event.keyseq)) for event in listed]


def refusals(store: Store) -> list[Refusal]:
    """Every row refused, in the order in which they were recorded."""
    return [
        Refusal(processor=r.processor, line=r.line, column=r.column, rule=r.rule, raw=r.raw)
        for r in refused.refused(store)
    ]


def calls(tx: Tx) -> list[Call]:
    """Every call registered, in the order of events."""
    return [
        Call(processor=one.processor, name=one.name, request=loads(one.request), is_made=one.is_made)
        for one in calling.registered(tx)
    ]


def verdicts(tx: Tx) -> list[Verdict]:
    """How each delivery stands, in the order of events."""
    lives = history.lives(tx, log(tx))
    return [_verdict(life.event, handling) for life in lives for handling in life.handlings]


def log(tx: Tx) -> list[Listed]:
    """Every event, in order."""
    found: list[Listed] = []
    while True:
        after = found[-1].position if found else 0
        page = browsing.page(tx, Selection(), Window(after=after), now=datetime.now(UTC))
        if not page:
            return found
        found += page


def differences(tx: Tx, replay_ids: Sequence[str]) -> dict[str, Any]:
    """What these shadow replays found, in all."""
    found, turns = Differences(), []
    for id_ in replay_ids:
        [report] = replays.reports(tx, id_)
        found.add(shadows.totals(tx, report.generation_id))
        turns += shadows.turns(tx, report.generation_id)
    outcomes = [{"stands": turn.stands, "would": turn.would, "events": turn.events} for turn in turns]
    return {"outcomes": outcomes, **found.totals_as_plain()}


def standing(store: Store, processors: Sequence[str], tables: Sequence[Table]) -> Standing:
    """All of it that these processors brought about, with the rows of these tables."""
    with store.read() as tx:
        found = [f"{table.name}: {row}" for table in tables for row in rows(tx, table)]
        facts = [repr(fact) for fact in emitted(tx, processors)]
        called = [repr(call) for call in calls(tx)]
        ended = [f"{v.processor} {v.subject}: {v.state} {v.error or ''}" for v in verdicts(tx)]
    return Standing(
        rows=tuple(sorted(found)),
        facts=tuple(sorted(facts)),
        refusals=tuple(sorted(repr(refusal) for refusal in refusals(store))),
        calls=tuple(sorted(called)),
        verdicts=tuple(sorted(ended)),
    )


def _verdict(event: Listed, handling: Handling) -> Verdict:
    outcome = handling.outcome
    error = handling.error or next((a.error for a in reversed(handling.attempts) if a.error), None)
    return Verdict(
        processor=handling.processor,
        subject=str(loads(event.body).get("subject", "")),
        state=handling.state,
        error=None if handling.state == "done" else error,
        rows_in=0 if outcome is None else outcome.rows_in,
        booked=0 if outcome is None else outcome.rows_booked,
        duplicate=0 if outcome is None else outcome.rows_duplicate,
        rejected=0 if outcome is None else outcome.rows_rejected,
    )
