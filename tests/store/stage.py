"""What the tests of the store act with: events, subscriptions and workers of few words.

Every function is one transaction, as a loop of the product would make it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from ingest.domain.codec import new_event
from ingest.domain.events import FileRefused
from ingest.domain.retry import Budget
from ingest.store import crashes, deliveries, filling, held, lanes, outbox, subscriptions
from ingest.store.deliveries import AfterFailure, Failure, Outcome
from ingest.store.engine import Store, Tx
from ingest.store.held import Held
from ingest.store.outbox import Draft
from ingest.store.presence import Running
from ingest.store.schema import dead, events, outcomes
from ingest.store.subscriptions import Registration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TYPE, OTHER_TYPE = "ingest.file.refused.v1", "tests.other.happened.v1"
BUDGET = Budget(max_attempts=3, max_crashes=2, base=MINUTE, cap=timedelta(hours=1))
RULES = {"max_attempts": 3, "max_crashes": 2, "backoff_base": 60, "backoff_cap": 3600}


def a_draft(  # what tests tell apart events by
    id_: str,
    *,
    key: str = "k",
    origin: str = "acme",
    type_: str = TYPE,
    time: datetime = NOON,
    supersedes: str | None = None,
    cause: str | None = None,
    producer: str = "",
) -> Draft:
    """A draft of an event named `id_`."""
    fact = FileRefused(source=origin, name=id_, path=id_, size=0, reason="fifo", message="", refused_at=time)
    event = new_event(fact, id=id_, source=f"/ingest/{origin}", subject=id_, time=time, partitionkey=key)
    event = replace(event, type=type_, causationid=cause)
    return outbox.draft(event, origin=origin, supersedes=supersedes, producer=producer)


def append(store: Store, *drafts: Draft, now: datetime = NOON) -> list[int | None]:
    """The drafts stand in the log; their positions."""
    with store.write() as tx:
        return outbox.append(tx, drafts, now=now)


def land(store: Store, *ids: str, key: str = "k", now: datetime = NOON) -> list[int]:
    """Events of these ids, under one key, stand in the log; their positions."""
    return [
        position for position in append(store, *(a_draft(id_, key=key) for id_ in ids), now=now) if position
    ]


def wanted(  # what tests tell apart subscriptions by
    processor: str = "books",
    *,
    version: str = "1",
    accepts: Sequence[str] = (TYPE,),
    origins: Sequence[str] = (),
    is_ordered: bool = True,
    on_dead: str = "park",
    start: str = "beginning",
) -> Registration:
    return Registration(
        processor=processor,
        version=version,
        accepts=tuple(accepts),
        origins=tuple(origins),
        is_ordered=is_ordered,
        on_dead=on_dead,
        start=start,
        settings=json.dumps(RULES),
    )


def subscribe(store: Store, registration: Registration | None = None, *, now: datetime = NOON) -> int:
    """The processor is subscribed and its past is due; its live generation."""
    registration = registration or wanted()
    with store.write() as tx:
        subscriptions.register(tx, registration, now=now)
        generation: int = subscriptions.find(tx, registration.processor).generation_id
    fill(store, now=now)
    return generation


def fill(store: Store, *, now: datetime = NOON) -> None:
    """Nothing is left to be filled."""
    while True:
        with store.write() as tx:
            left = filling.unfilled(tx)
            if not left:
                return
            filling.fill_window(tx, left[0], now=now)


def claim(  # who claims what and when
    store: Store,
    generation: int,
    *,
    worker: str = "w1",
    child: int = 1,
    budget: int = 1,
    now: datetime = NOON,
) -> list[Held]:
    """The deliveries that this child has started now."""
    with store.write() as tx:
        return held.fetch(tx, lanes.claim(tx, generation, worker=worker, child=child, budget=budget, now=now))


def complete(store: Store, done: Iterable[Held], *, worker: str = "w1", now: datetime = NOON) -> None:
    """These deliveries are done, and the claims on their lanes have ended."""
    done = list(done)
    claims = list({one.lane.id: one.lane for one in done}.values())
    with store.write() as tx:
        lanes.prove(tx, claims)
        deliveries.complete(tx, [outcome(one) for one in done], worker=worker, now=now)
        lanes.leave(tx, claims, now=now)


def outcome(one: Held) -> Outcome:
    return Outcome(held=one, started_at=NOON, version="1")


def fail(  # what failed, by which rules, and when
    store: Store,
    one: Held,
    *,
    is_permanent: bool = False,
    is_crash: bool = False,
    on_dead: str = "park",
    jitter: float = 1,
    now: datetime = NOON,
    budget: Budget = BUDGET,
) -> AfterFailure:
    """This try failed; what became of the delivery."""
    failure = Failure(held=one, started_at=now, error="no", is_permanent=is_permanent, is_crash=is_crash)
    with store.write() as tx:
        lanes.prove(tx, [one.lane])
        return deliveries.fail(
            tx, failure, budget=budget, on_dead=on_dead, jitter=jitter, worker="w1", now=now
        )


def kill(store: Store, generation: int, *, on_dead: str = "park", now: datetime = NOON) -> Held:
    """The next delivery of the generation is dead."""
    (one,) = claim(store, generation, now=now)
    fail(store, one, is_permanent=True, on_dead=on_dead, now=now)
    return one


def work_off(store: Store, generation: int, *, budget: int = 10, now: datetime = NOON) -> list[str]:
    """Everything that can be claimed now is done; the ids in the order in which they were worked."""
    worked: list[str] = []
    while started := claim(store, generation, budget=budget, now=now):
        worked += [one.event_id for one in started]
        complete(store, started, now=now)
    return worked


def reap(  # who died, doing what, and when
    store: Store,
    *,
    worker: str = "w1",
    child: int | None = None,
    ran: Sequence[Held] = (),
    jitter: float = 1,
    now: datetime = NOON,
) -> list[AfterFailure]:
    """A worker, or one child of it, died while it ran `ran`; what became of those."""
    running = [Running(one.lane.id, one.keyseq, one.lane.fence, 0) for one in ran]
    with store.write() as tx:
        return crashes.release(tx, worker, child, running, error="killed", jitter=jitter, now=now)


class _Undone(Exception):
    """Nothing is wrong: the transaction is to be rolled back."""


@contextmanager
def rolled_back(store: Store) -> Iterator[Tx]:
    """A transaction of which nothing stays."""
    with suppress(_Undone), store.write() as tx:
        yield tx
        raise _Undone


def ids(started: Iterable[Held]) -> list[str]:
    return [one.event_id for one in started]


def states(store: Store, generation: int) -> dict[str, str]:
    """The outcome of every delivery of the generation that has one, by event id."""
    statement = (
        select(events.c.id, outcomes.c.state)
        .join(outcomes, outcomes.c.position == events.c.position)
        .where(outcomes.c.generation_id == generation)
        .order_by(events.c.position)
    )
    with store.read() as tx:
        return {row.id: row.state for row in tx.execute(statement)}


def dead_ids(store: Store, generation: int) -> list[str]:
    """The ids of the events whose delivery is dead."""
    statement = (
        select(events.c.id)
        .join(dead, dead.c.position == events.c.position)
        .where(dead.c.generation_id == generation)
        .order_by(events.c.position)
    )
    with store.read() as tx:
        return list(tx.execute(statement).scalars())
