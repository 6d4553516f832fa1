"""Replays of few words, for tests: each function is one transaction."""

from __future__ import annotations

from collections.abc import Callable

from ingest.store import dead, deliveries, filling, lanes, replays, subscriptions
from ingest.store.deliveries import Outcome
from ingest.store.engine import Store, Tx
from ingest.store.held import Held
from ingest.store.replays import Plan, ReplayReport
from ingest.store.selection import Selection
from tests.store.stage import (
    MINUTE,
    NOON,
)

ALL = Selection()


def plan(store: Store, selection: Selection = ALL, processor: str = "books") -> Plan:
    with store.write() as tx:
        return replays.plan(tx, processor, selection)


def start(store: Store, selection: Selection = ALL, *, replay_id: str = "r1") -> int:
    """The replay is planned and started; its generation."""
    with store.write() as tx:
        planned = replays.plan(tx, "books", selection)
        replays.start(
            tx, planned, replay_id=replay_id, plan_id="p", mode="rerun", reason="why", who="ann", now=NOON
        )
        return max(left.generation_id for left in filling.unfilled(tx))


def fill_one_window(store: Store) -> None:
    with store.write() as tx:
        filling.fill_window(tx, filling.unfilled(tx)[0], now=NOON)


def ask(store: Store, what: Callable[[Tx, str], object], replay_id: str = "r1") -> None:
    with store.write() as tx:
        what(tx, replay_id)


def finish(store: Store) -> int:
    with store.write() as tx:
        found = replays.is_finishable(tx)
        finished = replays.finish(tx, now=NOON + MINUTE)
    assert found == bool(finished)
    return finished


def report(store: Store, replay_id: str = "r1") -> ReplayReport:
    with store.read() as tx:
        (found,) = replays.reports(tx, replay_id)
    return found


def workable(store: Store) -> list[tuple[int, str]]:
    with store.read() as tx:
        return [(one.generation_id, one.kind) for one in lanes.due(tx, now=NOON).now]


def rerun(store: Store, one: Held, verdict: str) -> None:
    """A delivery of a replay is done with this verdict; a dead one in live work is closed by it."""
    with store.write() as tx:
        done = Outcome(held=one, started_at=NOON, version="1", verdict=verdict)
        deliveries.complete(tx, [done], worker="w1", now=NOON)
        lanes.leave(tx, [one.lane], now=NOON)
        live = subscriptions.find(tx, "books").generation_id
        closed = dead.outcome_row((live, one.position), state="done", ended_at=NOON)
        dead.resolve(tx, "books", (live, one.position), closed, now=NOON)
