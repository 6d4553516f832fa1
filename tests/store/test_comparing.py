"""A comparison says exactly what applying would do, and writes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.comparing import Differences
from ingest.store import applying, lanes, sides
from ingest.store.booking import rows_of
from ingest.store.comparing import Compared, compare
from ingest.store.engine import Store, Tx
from ingest.store.handover import Piece
from ingest.store.held import Held
from ingest.store.rules import Rules
from ingest.store.standing import NOT_ENDED
from tests.store.backends import BACKENDS, fresh, tries
from tests.store.comparisons import handovers
from tests.store.handing import (
    SLOTS,
    Handed,
    apply,
    emitted,
    fact,
    facts,
    rejected,
    rejects,
    rows,
    rules,
    stand,
    standing,
    started,
)
from tests.store.stage import NOON, claim, land, rolled_back, subscribe

ALL = rules(max_rejects=1)
A, B, C = ("A", "1.00", None), ("B", "2.00", None), ("C", "3.00", "x")


def compared(store: Store, event_id: str, *again: Piece, by: Rules = ALL) -> Compared:
    with store.read() as tx:
        return compare(tx, event_id, Handed(again), by)


def things(tx: Tx, event_id: str) -> Counter[tuple[Any, ...]]:
    """All rows and rejects that stand because of an event."""
    found = Counter((table.name, tuple(row)) for table in ALL.tables for row in rows_of(tx, table, event_id))
    of = {"of_event": event_id, "of_processor": "books"}
    return found + Counter(("rejects", tuple(row)) for row in tx.execute(applying.REJECTS_OF, of))


def tallied(differences: Differences) -> Counter[str]:
    """How many rows and rejects would come and go: one that changes goes and comes."""
    found: Counter[str] = Counter(come=0, go=0, stay=0)
    for tally in (differences.of("rows"), differences.of("rejects")):
        found.update(come=tally.added + tally.changed, go=tally.removed + tally.changed, stay=tally.unchanged)
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("small", [1, 10_000])
def test_a_comparison_is_what_a_rerun_then_does(backend: str, small: int) -> None:
    @tries(backend, 25)
    @given(other=handovers("e0"), before=st.none() | handovers("e1"), again=handovers("e1"))
    def check(other: list[Piece], before: list[Piece] | None, again: list[Piece]) -> None:
        with fresh(backend) as store, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sides, "SMALL", small)
            patch.setattr(sides, "BLOCK", min(small, sides.BLOCK))  # then each item lies in the file
            apply(store, started(store, "e0"), *other, by=ALL)
            one = started(store, "e1")
            if before is not None:
                apply(store, one, *before, by=ALL)

            found = compared(store, "e1", *again)

            with rolled_back(store) as tx:
                stood = things(tx, "e1")
                applied = applying.apply(tx, one, Handed(tuple(again)), ALL, is_replay=True, now=NOON)
                stands = things(tx, "e1")
            assert (found.booked, found.duplicate, found.conflicts) == (
                applied.booked,
                applied.duplicate,
                len(applied.conflicts),
            )
            assert found.verdict == applied.verdict
            assert found.differences.of("facts").added == applied.facts_new
            assert tallied(found.differences) == Counter(
                come=(stands - stood).total(), go=(stood - stands).total(), stay=(stood & stands).total()
            )

    check()


def test_every_row_that_would_come_go_or_read_otherwise_is_told(store: Store) -> None:
    apply(store, started(store, "e1"), rows(A, B))

    found = compared(store, "e1", rows(A, ("B", "9.99", None), C)).differences

    assert found.as_plain()["rows"] == {"payments": {"added": 1, "removed": 0, "changed": 1, "unchanged": 1}}
    examples = {example.key: (example.before, example.after) for example in found.examples}
    assert examples == {
        ("B",): (
            {"payment_id": "B", "amount": "2.00", "note": None},
            {"payment_id": "B", "amount": "9.99", "note": None},
        ),
        ("C",): (None, {"payment_id": "C", "amount": "3.00", "note": "x"}),
    }


def test_money_is_summed_exactly_as_it_stands_and_as_it_would(store: Store) -> None:
    apply(store, started(store, "e1"), rows(("A", "0.10", None), ("B", "99999999999999999999.20", None)))

    total = compared(store, "e1", rows(("A", "0.30", None))).differences.money["payments", "amount", ""]

    assert (total.before, total.after) == (Decimal("99999999999999999999.30"), Decimal("0.30"))
    assert total.delta == Decimal("-99999999999999999999.00")


def test_a_row_that_stands_because_of_another_event_is_a_duplicate_or_a_conflict(store: Store) -> None:
    apply(store, started(store, "e0"), rows(A, B))
    apply(store, started(store, "e1"), rows(C))

    found = compared(store, "e1", rows(A, ("B", "9.99", None), C))

    assert (found.booked, found.duplicate, found.conflicts) == (1, 1, 1)
    assert found.differences.of("rejects").added == 1
    assert not found.differences.differs("rows")


def test_a_comparison_writes_nothing(store: Store) -> None:
    apply(store, started(store, "e1"), rows(A), facts(fact("f", cause="e1")), rejects("r"), by=ALL)
    before = standing(store), emitted(store), rejected(store)

    compared(store, "e1", rows(B, facts=[fact("g", cause="e1")]), rejects("s", "t"))

    assert (standing(store), emitted(store), rejected(store)) == before


@pytest.mark.parametrize(
    ("again", "by", "said"),
    [
        ([rows(A), rejects("r")], rules(), "max_rejects"),
        ([facts(fact("f", cause="e1"), fact("g", cause="e1"))], rules(max_facts=1), "max_facts"),
    ],
)
def test_what_would_be_refused_as_a_whole_would_be_dead_and_change_nothing(
    store: Store, again: list[Piece], by: Rules, said: str
) -> None:
    apply(store, started(store, "e1"), rows(A))

    found = compared(store, "e1", *again, by=by)

    assert (found.stands.state, found.would, found.verdict) == ("done", "dead", "dead")
    assert said in (found.error or "")
    assert not found.differences.differs()


def test_facts_are_told_by_how_they_would_read(store: Store) -> None:
    f, g = fact("f", cause="e1"), fact("g", cause="e1")
    apply(store, started(store, "e1"), facts(f, g))
    other = replace(f, body=f.body.replace('"size":0', '"size":7'))

    found = compared(store, "e1", facts(other, fact("h", cause="e1"), fact("h", cause="e1"))).differences

    tally = found.of("facts")
    assert (tally.added, tally.removed, tally.changed, tally.unchanged) == (1, 1, 1, 0)


def test_a_fact_is_told_as_it_is_handed_over_first_whether_with_a_row_or_without(store: Store) -> None:
    fact_f = fact("f", cause="e1")
    other = replace(fact_f, body=fact_f.body.replace('"size":0', '"size":7'))
    apply(store, started(store, "e1"), rows(A, facts=[fact_f]), facts(other))

    as_before = compared(store, "e1", rows(A, facts=[fact_f]), facts(other))
    otherwise = compared(store, "e1", facts(other), rows(A, facts=[fact_f]))

    assert (as_before.verdict, otherwise.verdict) == ("unchanged", "changed")


@pytest.mark.parametrize("small", [1, 10_000])
def test_rows_that_lack_a_value_of_their_key_are_told_apart_by_all_they_hold(
    store: Store, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "SMALL", small)
    stood = [(None, "first"), (None, "second"), (None, "second"), ("s", "third")]
    apply(store, started(store, "e1"), rows(*stood, of=SLOTS))

    found = compared(store, "e1", rows(*stood[1:], (None, "fourth"), of=SLOTS)).differences.of("rows")

    assert (found.added, found.removed, found.changed, found.unchanged) == (1, 1, 0, 3)


def test_an_event_that_never_was_is_compared_with_nothing(store: Store) -> None:
    apply(store, started(store, "e0"), rows(A))

    found = compared(store, "never", rows(A, B))

    assert (found.stands.state, found.verdict) == (NOT_ENDED, "repaired")
    assert (found.booked, found.duplicate) == (1, 1)


def test_a_comparison_needs_no_lock(store: Store) -> None:
    one: Held = started(store, "e1")

    with store.write() as tx:
        lanes.prove(tx, [one.lane])
        found = compared(store, "e1", rows(A))

    assert found.booked == 1


def test_how_a_delivery_stands_is_told(store: Store) -> None:
    stand(store)
    generation = subscribe(store)
    land(store, "e1", key="e1")
    waiting = compared(store, "e1")
    apply(store, claim(store, generation)[0])

    assert (waiting.stands.state, compared(store, "e1").stands.state) == ("waiting", "done")
