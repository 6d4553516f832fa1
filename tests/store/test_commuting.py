"""Runs of the same events, live or replayed, commute: rows are replaced event by event."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.store.engine import Store
from ingest.store.handover import Piece
from ingest.store.held import Held
from ingest.store.outbox import Draft
from tests.store.backends import BACKENDS, fresh, tries
from tests.store.handing import LINES, apply, emitted, facts, rejected, rejects, rows, rules, stand, standing
from tests.store.replaying import finish, report, start
from tests.store.stage import OTHER_TYPE, a_draft, claim, fill, land, subscribe

EVENTS = ("e1", "e2", "e3")
ALL = rules(max_rejects=1)


def told(id_: str, event: str) -> Draft:
    """A fact that nobody is subscribed to."""
    return a_draft(id_, key=id_, type_=OTHER_TYPE, cause=event, producer="books")


@dataclass(frozen=True)
class Made:
    """What the present code makes of one event: how many payments and lines, facts and rejects."""

    payments: int
    lines: int
    facts: int
    rejects: int

    def of(self, event: str) -> list[Piece]:
        return [
            rows(*((f"{event}-{n}", "1.00", None) for n in range(self.payments))),
            rows(*((n, event) for n in range(self.lines)), of=LINES),
            facts(*(told(f"{event}>{n}", event) for n in range(self.facts))),
            rejects(*(f"r{n}" for n in range(self.rejects))),
        ]


MADE = st.builds(Made, st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))


def stands(store: Store) -> tuple[object, ...]:
    return standing(store), standing(store, LINES), sorted(emitted(store)), sorted(rejected(store), key=repr)


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_whatever_the_order_the_same_stands(backend: str) -> None:
    @tries(backend, 20)
    @given(
        before=st.lists(MADE, min_size=3, max_size=3),
        now=st.lists(MADE, min_size=3, max_size=3),
        order=st.permutations([(kind, event) for kind in ("one", "other", "third") for event in EVENTS]),
    )
    def check(before: list[Made], now: list[Made], order: list[tuple[str, str]]) -> None:
        both_stand_the_same(backend, before, now, order)

    check()


def both_stand_the_same(
    backend: str, before: list[Made], now: list[Made], order: list[tuple[str, str]]
) -> None:
    """`before`, the code of a former version booked the events once; `now` is what the present one makes."""
    ends = []
    for sequence in (order, sorted(order)):
        with fresh(backend) as store:
            stand(store)
            live = subscribe(store)
            for event, made in zip(EVENTS, before, strict=True):
                land(store, event, key=event)
                apply(store, claim(store, live)[0], *made.of(event), by=ALL)
            held = hold(store)

            for kind, event in sequence:
                made = now[EVENTS.index(event)]
                apply(store, held[kind, event], *made.of(event), by=ALL, is_replay=True)
            finish(store)

            ends.append(stands(store))
            counts = [report(store, id_) for id_ in ("one", "other", "third")]
            assert all(r.done == r.unchanged + r.repaired + r.changed == len(EVENTS) for r in counts)
    assert ends[0] == ends[1]


def hold(store: Store) -> dict[tuple[str, str], Held]:
    """Three generations that all have every event in hand at once."""
    generations = {kind: start(store, replay_id=kind) for kind in ("one", "other", "third")}
    fill(store)
    return {
        (kind, one.event_id): one
        for kind, generation in generations.items()
        for one in claim(store, generation, worker=kind, budget=9)
    }
