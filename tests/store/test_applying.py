"""What a processor hands over stands as a whole, once, and in place of what stood before."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ingest.domain.naming import digest_of
from ingest.errors import PermanentError
from ingest.store import applying
from ingest.store.engine import Store
from ingest.store.handover import PIECE
from ingest.store.held import Held
from ingest.store.rules import TooManyRejects
from ingest.store.schema import effects
from tests.store.backends import BACKENDS, fresh, tries
from tests.store.handing import (
    LINES,
    Handed,
    Row,
    apply,
    apply_again,
    emitted,
    fact,
    facts,
    rejected,
    rejects,
    rows,
    rules,
    standing,
    started,
)
from tests.store.stage import NOON, claim, ids, subscribe, wanted

A, B, C = ("A", "1.00", None), ("B", "2.00", None), ("C", "3.00", "x")
OTHER_A = ("A", "9.99", None)
ALL = rules(max_rejects=1)


@pytest.fixture
def one(store: Store) -> Held:
    """The delivery of event `e1`, started."""
    return started(store, "e1")


def recorded(store: Store) -> list[tuple[str, str, object]]:
    with store.read() as tx:
        return [(row.key, row.name, row.at) for row in tx.execute(select(effects).order_by(effects.c.name))]


def test_rows_facts_and_rejects_stand_together(store: Store, one: Held) -> None:
    applied = apply(
        store, one, rows(A, B), rows((1, "x"), of=LINES), facts(fact("f", cause="e1")), rejects("r"), by=ALL
    )

    assert (applied.booked, applied.duplicate, applied.conflicts) == (3, 0, [])
    assert standing(store) == [(*A, "e1"), (*B, "e1")]
    assert standing(store, LINES) == [(1, "x", "e1")]
    assert emitted(store) == ["e1>f"]
    assert rejected(store) == [("e1", 1, None, "r", "raw")]


def test_a_fact_of_a_row_is_emitted_only_if_the_row_is_booked(store: Store, one: Held) -> None:
    apply(store, started(store, "e0"), rows(A, B))

    of_rows = [fact(name, cause="e1") for name in "abc"]
    apply(store, one, rows(A, ("B", "0", None), C, facts=of_rows), by=ALL)

    assert emitted(store) == ["e1>c"]


def test_facts_are_due_for_those_they_concern_under_their_own_keys(store: Store, one: Held) -> None:
    listener = subscribe(store, wanted("mail", start="now"))

    apply(store, one, facts(fact("f", cause="e1"), fact("g", cause="e1")))

    assert ids(claim(store, listener, budget=9)) == ["e1>f", "e1>g"]


def test_more_facts_than_one_piece_are_all_emitted_in_order(store: Store, one: Held) -> None:
    names = [f"{n}" for n in range(PIECE + 3)]
    many = [fact(name, cause="e1") for name in names]

    apply(store, one, facts(*many), by=rules(max_facts=9999))

    assert emitted(store) == [f"e1>{name}" for name in names]


def test_more_facts_than_allowed_fail_for_good_and_nothing_stands(store: Store, one: Held) -> None:
    with pytest.raises(PermanentError, match="max_facts = 1"):
        apply(store, one, rows(A), facts(*(fact(name, cause="e1") for name in "ab")), by=rules(max_facts=1))

    assert (standing(store), emitted(store)) == ([], [])


def test_rows_in_are_booked_duplicate_and_rejected_and_no_other(store: Store, one: Held) -> None:
    apply(store, started(store, "e0"), rows(A, B))

    applied = apply(store, one, rows(A, ("B", "0", None), C, C), rejects("r"), by=ALL)

    assert (applied.booked, applied.duplicate, len(applied.conflicts)) == (1, 2, 1)


def test_a_handover_that_miscounts_its_rows_is_never_applied(store: Store, one: Held) -> None:
    class Miscounted(Handed):
        @property
        def rows_in(self) -> int:
            return 3

    with pytest.raises(AssertionError), store.write() as tx:
        applying.apply(tx, one, Miscounted((rows(A),)), rules(), is_replay=False, now=NOON)

    assert standing(store) == []


def test_a_conflict_is_a_reject_that_names_its_key(store: Store, one: Held) -> None:
    apply(store, started(store, "e0"), rows(A))

    apply(store, one, rows(OTHER_A), by=ALL)

    assert rejected(store) == [("e1", None, "payment_id", "conflict", "A")]
    assert standing(store) == [(*A, "e0")]


def test_running_an_event_again_replaces_its_rows_and_rejects_as_a_whole(store: Store, one: Held) -> None:
    apply(store, one, rows(A, B), rows((1, "x"), of=LINES), rejects("old", "older"), by=ALL)

    apply_again(store, one, rows(B, C), rows((1, "x"), (2, None), of=LINES), rejects("new"))

    assert standing(store) == [(*B, "e1"), (*C, "e1")]
    assert standing(store, LINES) == [(1, "x", "e1"), (2, None, "e1")]
    assert [row[3] for row in rejected(store)] == ["new"]


def test_what_an_event_has_booked_is_no_duplicate_when_it_runs_again(store: Store, one: Held) -> None:
    apply(store, one, rows(A, B))

    applied = apply_again(store, one, rows(A, B))

    assert (applied.booked, applied.duplicate) == (2, 0)


def test_running_an_event_again_leaves_other_events_and_processors_alone(store: Store, one: Held) -> None:
    apply(store, started(store, "e0"), rows(A), rejects("r0"), by=ALL)
    apply(store, one, rows(B))

    apply_again(store, one)

    assert standing(store) == [(*A, "e0")]
    assert [row[0] for row in rejected(store)] == ["e0"]


def test_a_rerun_that_fails_leaves_what_stood(store: Store, one: Held) -> None:
    apply(store, one, rows(A), rejects("old"), by=ALL)

    with pytest.raises(TooManyRejects):
        apply_again(store, one, rows(B), rejects("new"), by=rules(max_rejects=0))

    assert standing(store) == [(*A, "e1")]
    assert [row[3] for row in rejected(store)] == ["old"]


@pytest.mark.parametrize(
    ("share", "is_allowed"), [(0.0, False), (0.249, False), (0.25, True), (0.5, True), (1.0, True)]
)
def test_above_max_rejects_nothing_of_the_file_stands(
    store: Store, one: Held, share: float, is_allowed: bool
) -> None:
    given = rows(A, B, C), facts(fact("f", cause="e1")), rejects("r")
    by = rules(max_rejects=share)

    if is_allowed:
        apply(store, one, *given, by=by)
    else:
        with pytest.raises(TooManyRejects, match="1 of 4 rows"):
            apply(store, one, *given, by=by)

    assert bool(standing(store)) == bool(emitted(store)) == bool(rejected(store)) == is_allowed


def test_a_share_of_rejects_is_not_exceeded_by_the_way_a_float_is_written(store: Store) -> None:
    for percent in range(101):
        handed = Handed((rows(*[A] * (100 - percent)), Handed((rejects(*["r"] * percent),)).given[0]))
        applied = applying.Applied(booked=100 - percent)

        applying._check(handed, applied, rules(max_rejects=float(Fraction(percent, 100))))


def test_conflicts_count_against_max_rejects_and_come_with_the_refusal(store: Store, one: Held) -> None:
    apply(store, started(store, "e0"), rows(A))

    with pytest.raises(TooManyRejects) as refused:
        apply(store, one, rows(OTHER_A, B))

    assert refused.value.conflicts == [(None, "payment_id", "conflict", "A")]  # type: ignore[attr-defined]
    assert standing(store) == [(*A, "e0")]


def test_the_rejects_of_a_file_that_is_refused_as_a_whole_are_kept(store: Store, one: Held) -> None:
    handed = Handed((rows(B), rejects("r1", "r2")))
    conflict = (None, "payment_id", "conflict", "A")

    for _ in range(2):
        with store.write() as tx:
            applying.keep_rejects(tx, one, handed, "books", [conflict])

    assert [row[3] for row in rejected(store)] == ["r1", "r2", "conflict"]
    assert standing(store) == []


def test_the_effects_of_an_event_are_recorded_once_under_a_key_that_never_changes(
    store: Store, one: Held
) -> None:
    apply(store, one, rows(A), rows((1, "x"), of=LINES))
    apply_again(store, one, rows(A), rows((1, "x"), of=LINES))

    names = ["rows:lines", "rows:payments"]
    assert recorded(store) == [(digest_of("effect", "books", "e1", name), name, NOON) for name in names]


def test_tables_that_got_no_row_have_no_effect(store: Store, one: Held) -> None:
    apply(store, started(store, "e0"), rows(A))

    apply(store, one, rows(A))

    assert len(recorded(store)) == 1


PLANS = st.lists(
    st.tuples(
        st.sampled_from(["e1", "e2", "e3"]),
        st.lists(st.sampled_from([A, OTHER_A, B, C]), max_size=4),
    ),
    max_size=6,
)


@pytest.mark.parametrize("backend", BACKENDS)
def test_whatever_is_run_again_in_whatever_order_each_key_stands_once_and_each_row_is_accounted_for(
    backend: str,
) -> None:
    @tries(backend, 25)
    @given(PLANS)
    def check(plan: Sequence[tuple[str, Sequence[Row]]]) -> None:
        with fresh(backend) as store:
            deliveries = {id_: started(store, id_) for id_ in ("e1", "e2", "e3")}
            for id_, given_rows in plan:
                applied = apply_again(store, deliveries[id_], rows(*given_rows))

                stood = [row for row in standing(store) if row[-1] == id_]
                assert applied.booked == len(stood)
                assert applied.booked + applied.duplicate + len(applied.conflicts) == len(given_rows)
                assert [row[3] for row in rejected(store) if row[0] == id_] == ["conflict"] * len(
                    applied.conflicts
                )
                keys = [row[0] for row in standing(store)]
                assert len(keys) == len(set(keys))

    check()
