"""A replay says of each event whether what stood has changed; a fact that stands is never edited."""

from dataclasses import replace

import pytest

from ingest.domain.upcast import what_counts
from ingest.store import outbox
from ingest.store.engine import Store
from ingest.store.handover import PIECE
from ingest.store.held import Held
from tests.store.handing import (
    apply,
    apply_again,
    emitted,
    fact,
    facts,
    rejects,
    rows,
    rules,
    started,
)
from tests.store.stage import claim, subscribe, wanted

A, B, C = ("A", "1.00", None), ("B", "2.00", None), ("C", "3.00", "x")
OTHER_A = ("A", "9.99", None)
ALL = rules(max_rejects=1)


@pytest.fixture
def one(store: Store) -> Held:
    """The delivery of event `e1`, started."""
    return started(store, "e1")


def verdict(store: Store, one: Held, *again: object) -> str:
    return apply_again(store, one, *again).verdict


def test_a_rerun_that_hands_over_the_same_in_any_order_changed_nothing(store: Store, one: Held) -> None:
    fact_f, fact_g = fact("f", cause="e1"), fact("g", cause="e1")
    apply(store, one, rows(A, B, facts=[fact_f, None]), facts(fact_g), rejects("r1", "r2"), by=ALL)

    assert (
        verdict(store, one, facts(fact_g), rows(B, A, facts=[None, fact_f]), rejects("r1", "r2"))
        == "unchanged"
    )


@pytest.mark.parametrize(
    "again", [[rows(A)], [rows(A, B, C)], [rows(A, ("B", "7", None))], [rows(A, B), rejects("r")], []]
)
def test_a_rerun_after_which_other_rows_stand_has_repaired_them(
    store: Store, one: Held, again: list[object]
) -> None:
    apply(store, one, rows(A, B))

    assert verdict(store, one, *again) == "repaired"


def test_a_rerun_that_emits_a_fact_for_the_first_time_has_repaired(store: Store, one: Held) -> None:
    apply(store, one, rows(A))

    assert verdict(store, one, rows(A), facts(fact("f", cause="e1"))) == "repaired"
    assert emitted(store) == ["e1>f"]


def test_a_fact_that_would_now_read_otherwise_is_kept_and_counted(store: Store, one: Held) -> None:
    before = fact("f", cause="e1")
    apply(store, one, facts(before))
    after = replace(before, body=before.body.replace('"size":0', '"size":7'))

    applied = apply_again(store, one, facts(after))

    assert (applied.verdict, applied.facts_changed) == ("changed", 1)
    with store.read() as tx:
        assert outbox.standing(tx, [before.id]) == {
            before.id: what_counts(before.type, before.key, before.body)
        }


def test_a_fact_that_would_now_read_the_same_at_another_time_is_unchanged(store: Store, one: Held) -> None:
    before = fact("f", cause="e1")
    apply(store, one, facts(before))
    later = before.body.replace('"time":"2026-03-01', '"time":"2027-01-01')
    after = replace(before, body=later)

    assert later != before.body
    assert verdict(store, one, facts(after)) == "unchanged"


def test_a_fact_that_would_not_be_emitted_any_more_is_kept_and_counted(store: Store, one: Held) -> None:
    apply(store, one, facts(fact("f", cause="e1"), fact("g", cause="e1")))

    applied = apply_again(store, one, facts(fact("f", cause="e1")))

    assert (applied.verdict, applied.facts_changed) == ("changed", 1)
    assert emitted(store) == ["e1>f", "e1>g"]


def test_a_fact_under_another_name_is_a_new_one_and_the_old_one_is_counted(store: Store, one: Held) -> None:
    apply(store, one, facts(fact("f", cause="e1")))

    applied = apply_again(store, one, facts(fact("renamed", cause="e1")))

    assert (applied.verdict, applied.facts_changed) == ("changed", 1)
    assert emitted(store) == ["e1>f", "e1>renamed"]


def test_a_vanished_fact_is_not_made_up_for_by_one_whose_row_was_not_booked(store: Store, one: Held) -> None:
    apply(store, started(store, "e0"), rows(A))
    apply(store, one, facts(fact("f", cause="e1")))

    applied = apply_again(store, one, rows(A, facts=[fact("never emitted", cause="e1")]))

    assert (applied.verdict, applied.facts_changed) == ("changed", 1)


@pytest.mark.parametrize("size", [0, 7])
def test_a_fact_that_is_handed_over_twice_does_not_make_up_for_one_that_vanished(
    store: Store, one: Held, size: int
) -> None:
    fact_f = fact("f", cause="e1")
    second = replace(fact_f, body=fact_f.body.replace('"size":0', f'"size":{size}'))
    apply(store, one, rows(A), facts(fact_f, fact("g", cause="e1")))

    applied = apply_again(store, one, rows(A, facts=[fact_f]), facts(second))

    assert (applied.verdict, applied.facts_changed) == ("changed", 1)


def test_a_fact_counts_as_it_is_handed_over_first_since_that_is_what_stands(store: Store, one: Held) -> None:
    fact_f = fact("f", cause="e1")
    other = replace(fact_f, body=fact_f.body.replace('"size":0', '"size":7'))
    apply(store, one, rows(A), facts(fact_f, other))

    assert verdict(store, one, rows(A), facts(fact_f, other)) == "unchanged"
    assert verdict(store, one, rows(A), facts(other, fact_f)) == "changed"


def test_a_new_fact_that_is_handed_over_twice_does_not_make_up_for_one_that_vanished(
    store: Store, one: Held
) -> None:
    apply(store, one, facts(fact("f", cause="e1")))
    many = [fact(f"{n}", cause="e1") for n in range(PIECE)]  # enough to be appended before the rest is read

    applied = apply_again(store, one, facts(*many), facts(many[0]), by=rules(max_facts=2 * PIECE))

    assert (applied.verdict, applied.facts_changed, applied.facts_new) == ("changed", 1, PIECE)


def test_the_first_run_that_succeeds_has_repaired_even_if_it_hands_over_nothing(
    store: Store, one: Held
) -> None:
    assert verdict(store, one) == "repaired"


def test_what_another_processor_did_with_the_event_says_nothing_about_this_one(store: Store) -> None:
    one = started(store, "e1")
    other = subscribe(store, wanted("mail"))
    (theirs,) = claim(store, other)
    apply(store, theirs, by=rules("mail", of=()))

    assert verdict(store, one) == "repaired"


def test_the_facts_of_other_events_and_processors_are_not_compared(store: Store, one: Held) -> None:
    apply(store, started(store, "e0"), facts(fact("x", cause="e0")))
    apply(store, one, rows(A), facts(fact("theirs", cause="e1", producer="mail")))

    assert verdict(store, one, rows(A)) == "unchanged"
