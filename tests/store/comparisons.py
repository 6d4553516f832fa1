"""Handovers and what stands, as hypothesis makes them up: few keys, so that they meet."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from ingest.store.handover import Piece, Rejects
from ingest.store.outbox import Draft
from tests.store.handing import LINES, facts, rejects, rows
from tests.store.stage import OTHER_TYPE, a_draft

_PAYMENT = st.tuples(
    st.sampled_from("ABCD"), st.sampled_from(["1.00", "2.50"]), st.sampled_from([None, "note"])
)
_LINE = st.tuples(st.integers(0, 2), st.sampled_from([None, "text"]))


def _fact(cause: str, name: str, size: int) -> Draft:
    """A fact that nobody is subscribed to."""
    drafted = a_draft(f"{cause}>{name}", key=name, type_=OTHER_TYPE, cause=cause, producer="books")
    return replace(drafted, body=drafted.body.replace('"size":0', f'"size":{size}'))


def _payments(cause: str) -> st.SearchStrategy[Piece]:
    attached = st.none() | st.builds(_fact, st.just(cause), st.sampled_from("fg"), st.integers(0, 1))
    pairs = st.lists(st.tuples(_PAYMENT, attached), min_size=1, max_size=3)
    return pairs.map(lambda pairs: rows(*(row for row, _ in pairs), facts=[fact for _, fact in pairs]))


def _are_named_once(pieces: list[Piece]) -> bool:
    """As the contract asks: one name for one fact of an event."""
    handed = [fact for piece in pieces if not isinstance(piece, Rejects) for fact in piece.facts]
    ids = [fact.id for fact in handed if fact is not None]
    return len(ids) == len(set(ids))


def handovers(cause: str) -> st.SearchStrategy[list[Piece]]:
    """Rows with and without facts, of a table with a unique key and of one without, facts and rejects."""
    emitted = st.builds(_fact, st.just(cause), st.sampled_from("hi"), st.integers(0, 1))
    piece = st.one_of(
        _payments(cause),
        st.lists(_LINE, min_size=1, max_size=3).map(lambda lines: rows(*lines, of=LINES)),
        emitted.map(facts),
        st.lists(st.sampled_from(["r1", "r2"]), min_size=1, max_size=2).map(lambda some: rejects(*some)),
    )
    return st.lists(piece, max_size=4).filter(_are_named_once)
