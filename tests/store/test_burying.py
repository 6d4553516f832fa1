"""Which events are retired, what the database lets go of them, and what stays."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from ingest.errors import IngestError
from ingest.store import burying, replays, runs
from ingest.store.engine import Store
from ingest.store.reading import browsing, verifying
from ingest.store.runs import Run
from ingest.store.schema import events, tombstones
from ingest.store.selection import Selection
from tests.store.replaying import start
from tests.store.stage import NOON, a_draft, append, claim, fill, kill, land, subscribe, work_off

LATER = NOON + timedelta(days=1)
REFUSED = "an event is a fact"


def a_run(store: Store) -> Run:
    with store.write() as tx:
        return runs.begin(tx, who="ann", reason="old", cutoff=LATER, now=LATER)


def retire(store: Store) -> int:
    """All events that may go are retired, and were foreseen; how many."""
    with store.read() as tx:
        foreseen = burying.foresee(tx, LATER, with_contents=False)
    gone = sum(burying.steps(store, a_run(store)))
    assert gone == foreseen
    return gone


def bodies(store: Store) -> dict[str, bool]:
    """Of every event, by id, whether it still says something."""
    with store.read() as tx:
        return {row.id: bool(row.body and row.type) for row in tx.execute(select(events))}


def leave_a_stone(store: Store, run: Run, **otherwise: Any) -> None:
    with store.write() as tx:
        row = tx.execute(select(events).where(events.c.id == "a")).one()
        stone = {"position": row.position, "id": row.id, "type": row.type, "hash": row.hash, "run_id": run.id}
        tx.execute(insert(tombstones), {**stone, **otherwise})


def change(store: Store, statement: str) -> None:
    with store.write() as tx:
        tx.execute(text(statement))


def test_a_retired_event_says_nothing_and_keeps_its_place_in_a_chain_that_holds(store: Store) -> None:
    land(store, "a", "b", "c")
    append(store, a_draft("young", time=LATER))

    assert retire(store) == 3

    assert bodies(store) == {"a": False, "b": False, "c": False, "young": True}
    proof = verifying.verify(store)
    assert (proof.holds, proof.events, proof.retired) == (True, 4, 3)
    land(store, "d")
    assert verifying.verify(store).holds
    with store.read() as tx:
        assert [each.events for each in runs.every(tx)] == [3]


def test_a_fact_that_was_retired_does_not_stand_twice_when_it_is_stated_again(store: Store) -> None:
    land(store, "a")
    retire(store)

    assert append(store, a_draft("a"), a_draft("b")) == [None, 2]
    assert verifying.verify(store).holds


def test_who_asks_for_a_retired_event_is_told_the_run_and_the_day(store: Store) -> None:
    land(store, "event-a")
    retire(store)

    with store.read() as tx:
        found = browsing.event(tx, "event-a", now=LATER)
        (run,) = runs.every(tx)

    assert found.retired == f"{run.id} on 2026-03-02"
    assert found.type == "ingest.file.refused.v1"


@pytest.mark.parametrize("state", ["waiting", "started", "dead"])
def test_what_a_delivery_needs_that_has_not_ended_is_not_retired(store: Store, state: str) -> None:
    land(store, "a")
    generation = subscribe(store)
    if state == "started":
        claim(store, generation)
    if state == "dead":
        kill(store, generation)

    assert retire(store) == 0


@pytest.mark.parametrize("is_filled", [False, True])
def test_what_an_open_replay_needs_is_not_retired_before_it_has_ended(store: Store, is_filled: bool) -> None:
    land(store, "a")
    work_off(store, subscribe(store))
    generation = start(store, Selection(), replay_id="r1")
    if is_filled:
        fill(store)

    assert retire(store) == 0

    fill(store)
    work_off(store, generation)
    assert retire(store) == 1


def test_what_a_replay_asks_for_at_that_moment_is_not_retired(store: Store) -> None:
    land(store, "a")
    work_off(store, subscribe(store))
    run = a_run(store)
    retiring = threading.Thread(target=lambda: list(burying.steps(store, run)))
    with store.read() as tx:
        planned = replays.plan(tx, "books", Selection())
    with store.write() as tx:
        about = {"replay_id": "r1", "plan_id": "p", "mode": "rerun", "reason": "", "who": "ann"}
        replays.start(tx, planned, **about, now=NOON)
        retiring.start()
        retiring.join(0.5)  # it waits for the replay to stand; where it does not, it takes the event here
        assert retiring.is_alive()
    retiring.join()

    assert bodies(store) == {"a": True}


def test_a_processor_that_comes_later_hears_of_what_was_not_retired(store: Store) -> None:
    land(store, "a")
    retire(store)
    land(store, "b")

    assert work_off(store, subscribe(store)) == ["b"]


@pytest.mark.parametrize(
    "otherwise", [{"hash": b"other"}, {"id": "other"}, {"type": "other"}, {"run_id": "none"}, {"position": 9}]
)
def test_a_tombstone_that_is_not_of_this_event_lets_nothing_go(
    store: Store, otherwise: dict[str, Any]
) -> None:
    land(store, "a")
    leave_a_stone(store, a_run(store), **otherwise)

    with pytest.raises((DBAPIError, IngestError), match=REFUSED):
        change(store, "UPDATE events SET type = '', body = ''")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET type = '', body = 'x'",
        "UPDATE events SET body = ''",
        "UPDATE events SET type = '', body = '', key = 'other'",
        "UPDATE events SET type = '', body = '', keyseq = 7",
        "UPDATE events SET type = '', body = '', cause = 'other'",
        "UPDATE events SET type = '', body = '', content = 'other'",
        "UPDATE events SET type = '', body = '', position = 9",
        "DELETE FROM events",
        "DELETE FROM tombstones",
        "UPDATE tombstones SET type = 'other'",
    ],
)
def test_a_tombstone_lets_type_and_body_go_and_nothing_else(store: Store, statement: str) -> None:
    land(store, "a")
    leave_a_stone(store, a_run(store))

    with pytest.raises((DBAPIError, IngestError), match=REFUSED):
        change(store, statement)

    assert verifying.verify(store).holds
    change(store, "UPDATE events SET type = '', body = ''")


def test_a_run_that_has_ended_lets_nothing_go_any_more(store: Store) -> None:
    land(store, "a")
    run = a_run(store)
    leave_a_stone(store, run)
    with store.write() as tx:
        runs.end(tx, run, now=LATER)

    with pytest.raises((DBAPIError, IngestError), match=REFUSED):
        change(store, "UPDATE events SET type = '', body = ''")


def test_what_was_retired_stays_so(store: Store) -> None:
    land(store, "a")
    retire(store)

    for statement in ("UPDATE events SET body = 'x'", "UPDATE events SET type = 'x', body = 'y'"):
        with pytest.raises((DBAPIError, IngestError), match=REFUSED):
            change(store, statement)


def test_an_event_that_was_emptied_past_the_triggers_is_found_out(store: Store) -> None:
    land(store, "a", "b")
    off = {"sqlite": "DROP TRIGGER events_refuse_update"}
    change(store, off.get(store.dialect, "DROP TRIGGER events_refuse_update ON events"))
    change(store, "UPDATE events SET type = '', body = '' WHERE id = 'a'")

    assert not verifying.verify(store).holds
