"""What came of events: every try of every processor, outcomes, effects, and the facts they brought about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select

from ingest.store.engine import Tx
from ingest.store.reading.browsing import Listed
from ingest.store.schema import (
    attempts,
    calls,
    dead,
    effects,
    events,
    generations,
    outcomes,
    replays,
    subscriptions,
)

MOST_EMITTED = 1000  # ids of emitted facts, and calls, read for one event
SHOWN_CHARS = 200  # of a request or a result


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one processor on one event."""

    n: int
    worker: str
    started_at: datetime | None
    ended_at: datetime
    ended: str
    error: str | None
    replay: str | None  # id of the replay it was part of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a delivery came to, in live work or in a replay."""

    state: str
    rows_in: int
    rows_booked: int
    rows_duplicate: int
    rows_rejected: int
    digest: str
    verdict: str
    note: str
    replay: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something that happened once because of the event."""

    key: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A call to the outside: when it was intended, and what is known of it."""

    key: str
    name: str
    state: str  # made | begun | open
    replay: str | None  # id of the replay that repeats effects on purpose
    request: str  # the beginning of its JSON
    result: str | None  # the beginning of its JSON
    intended_at: datetime
    made_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What one processor made of one event."""

    processor: str
    state: str
    error: str | None  # why it is dead
    attempts: tuple[Attempt, ...]
    outcome: Ended | None
    replays: tuple[Ended, ...]
    effects: tuple[Effect, ...]
    calls: tuple[Called, ...]
    emitted: tuple[str, ...]  # event ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """An event and what every processor made of it."""

    event: Listed
    handlings: tuple[Handling, ...]


def lives(tx: Tx, listed: Sequence[Listed]) -> list[Life]:
    """The life of each of `listed`, in their order."""
    return [Life(event=event, handlings=tuple(_handlings(tx, event))) for event in listed]


def _handlings(tx: Tx, event: Listed) -> list[Handling]:
    at = {"of_position": event.position}
    tries = tx.execute(_ATTEMPTS, at).all()
    ended = tx.execute(_OUTCOMES, at).all()
    happened = tx.execute(_EFFECTS, at).all()
    errors = {row.processor: row.error for row in tx.execute(_DEAD, at)}
    called = tx.execute(_CALLS, at).all()
    emitted = tx.execute(_EMITTED, {"of_id": event.id}).all()
    names = {*event.deliveries, *(row.processor for row in (*tries, *ended, *happened, *called))}
    return [
        _handling(name, event, tries=_of(name, tries), ended=_of(name, ended), happened=_of(name, happened),
                  called=_of(name, called), error=errors.get(name),
                  emitted=[row.id for row in emitted if row.producer == name])
        for name in sorted(names)
    ]  # fmt: skip


def _of(processor: str, rows: Sequence[Any]) -> list[Any]:
    return [row for row in rows if row.processor == processor]


def _handling(  # noqa: PLR0913  # what each statement found
    name: str,
    event: Listed,
    *,
    tries: Sequence[Any],
    ended: Sequence[Any],
    happened: Sequence[Any],
    called: Sequence[Any],
    emitted: Sequence[str],
    error: str | None,
) -> Handling:
    outcomes_ = [_ended(row) for row in ended]
    live = [outcome for outcome in outcomes_ if outcome.replay is None]
    return Handling(
        processor=name,
        state=event.deliveries.get(name) or (live[-1].state if live else "waiting"),
        error=error,
        attempts=_tries(tries, ended),
        outcome=live[-1] if live else None,
        replays=tuple(outcome for outcome in outcomes_ if outcome.replay is not None),
        effects=tuple(Effect(key=row.key, name=row.name, at=row.at) for row in happened),
        calls=tuple(_called(row) for row in called),
        emitted=tuple(emitted),
    )


def _called(row: Any) -> Called:
    begun = "open" if row.begun_at is None else "begun"
    return Called(
        key=row.key,
        name=row.name,
        state=begun if row.made_at is None else "made",
        replay=row.scope or None,
        request=row.request,
        result=row.result,
        intended_at=row.intended_at,
        made_at=row.made_at,
    )


def _tries(vain: Sequence[Any], ended: Sequence[Any]) -> tuple[Attempt, ...]:
    """Every try in the order in which they ended; one that succeeded stands with its outcome."""
    succeeded = [_attempt(row, ended="done", error=None) for row in ended if row.state == "done" and row.n]
    failed = [_attempt(row, ended=row.ended, error=row.error) for row in vain]
    return tuple(sorted([*failed, *succeeded], key=lambda attempt: attempt.ended_at))


def _attempt(row: Any, *, ended: str, error: str | None) -> Attempt:
    return Attempt(
        n=row.n,
        worker=row.worker,
        started_at=row.started_at,
        ended_at=row.ended_at,
        ended=ended,
        error=error,
        replay=row.replay,
    )


def _ended(row: Any) -> Ended:
    return Ended(
        state=row.state,
        rows_in=row.rows_in,
        rows_booked=row.rows_booked,
        rows_duplicate=row.rows_duplicate,
        rows_rejected=row.rows_rejected,
        digest=row.digest,
        verdict=row.verdict,
        note=row.note,
        replay=row.replay,
    )


_AT: BindParameter[Any] = bindparam("of_position")
_ATTEMPTS = (
    select(
        generations.c.processor,
        attempts.c.n,
        attempts.c.worker,
        attempts.c.started_at,
        attempts.c.ended_at,
        attempts.c.ended,
        attempts.c.error,
        replays.c.id.label("replay"),
    )
    .join(generations, generations.c.id == attempts.c.generation_id)
    .join(replays, replays.c.generation_id == attempts.c.generation_id, isouter=True)
    .where(attempts.c.position == _AT)
    .order_by(attempts.c.id)
)
_OUTCOMES = (
    select(generations.c.processor, outcomes, replays.c.id.label("replay"))
    .select_from(generations)
    .join(outcomes, outcomes.c.generation_id == generations.c.id)
    .join(replays, replays.c.generation_id == generations.c.id, isouter=True)
    .where(outcomes.c.position == _AT)
    .order_by(generations.c.id)
)
_EFFECTS = (
    select(effects.c.processor, effects.c.key, effects.c.name, effects.c.at)
    .where(effects.c.position == _AT)
    .order_by(effects.c.at, effects.c.key)
)
_CALLS = (
    select(
        calls.c.processor,
        calls.c.key,
        calls.c.name,
        calls.c.scope,
        func.substr(calls.c.request, 1, SHOWN_CHARS).label("request"),
        func.substr(calls.c.result, 1, SHOWN_CHARS).label("result"),
        calls.c.intended_at,
        calls.c.begun_at,
        calls.c.made_at,
    )
    .where(calls.c.position == _AT)
    .order_by(calls.c.processor, calls.c.intended_at, calls.c.n)
    .limit(MOST_EMITTED)
)
_DEAD = (
    select(subscriptions.c.processor, dead.c.error)
    .join(subscriptions, subscriptions.c.generation_id == dead.c.generation_id)
    .where(dead.c.position == _AT)
)
_EMITTED = (
    select(events.c.producer, events.c.id)
    .where(events.c.cause == bindparam("of_id"))
    .order_by(events.c.position)
    .limit(MOST_EMITTED)
)
