"""Handovers and what stands, as hypothesis makes them up: few keys, so that they meet."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from ingest.store.handover import Piece
from ingest.store.outbox import Draft
from tests.store.handing import LINES, SLOTS, facts, rejects, rows
from tests.store.stage import OTHER_TYPE, a_draft

_PAYMENT = st.tuples(
    st.sampled_from("ABCD"), st.sampled_from(["1.00", "2.50"]), st.sampled_from([None, "note"])
)
_SLOT = st.tuples(st.sampled_from(["s", None]), st.sampled_from(["text", "other"]))
_LINE = st.tuples(st.integers(0, 2), st.sampled_from([None, "text"]))


def _fact(cause: str, name: str, size: int) -> Draft:
    """A fact that nobody is subscribed to."""
    drafted = a_draft(f"{cause}>{name}", key=name, type_=OTHER_TYPE, cause=cause, producer="books")
    return replace(drafted, body=drafted.body.replace('"size":0', f'"size":{size}'))


def _payments(cause: str) -> st.SearchStrategy[Piece]:
    attached = st.none() | st.builds(_fact, st.just(cause), st.sampled_from("fg"), st.integers(0, 1))
    pairs = st.lists(st.tuples(_PAYMENT, attached), min_size=1, max_size=3)
    return pairs.map(lambda pairs: rows(*(row for row, _ in pairs), facts=[fact for _, fact in pairs]))


def handovers(cause: str) -> st.SearchStrategy[list[Piece]]:
    """Rows with and without facts, of tables with a key, one that may be missing, or none; facts; rejects."""
    emitted = st.builds(_fact, st.just(cause), st.sampled_from("hi"), st.integers(0, 1))
    piece = st.one_of(
        _payments(cause),
        st.lists(_LINE, min_size=1, max_size=3).map(lambda lines: rows(*lines, of=LINES)),
        st.lists(_SLOT, min_size=1, max_size=3).map(lambda slots: rows(*slots, of=SLOTS)),
        emitted.map(facts),
        st.lists(st.sampled_from(["r1", "r2"]), min_size=1, max_size=2).map(lambda some: rejects(*some)),
    )
    return st.lists(piece, max_size=4)
