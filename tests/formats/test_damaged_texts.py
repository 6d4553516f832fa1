"""A statement of text, whatever becomes of it, is read or refused; each that begins comes to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.vetting import Refused
from processors.formats.statement import StatementEnd, StatementHeader, StatementPart
from tests.formats import test_bai2, test_mt940, test_ofx

Read = Callable[[str], Sequence[StatementPart]]
EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.characters(exclude_categories=["Cs"])), max_size=4)


@pytest.mark.parametrize(
    ("good", "read"),
    [
        (test_bai2.GOOD, test_bai2.read),
        (test_mt940.GOOD, test_mt940.read),
        (test_ofx.GOOD, test_ofx.read),
    ],
    ids=["bai2", "mt940", "ofx"],
)
@given(edits=EDITS, cut=st.integers(0, 10_000))
@settings(max_examples=300)
def test_whatever_becomes_of_a_file_it_is_read_or_refused(
    good: str, read: Read, edits: list[tuple[int, str]], cut: int
) -> None:
    text = list(good)
    for place, character in edits:
        text[place % len(text)] = character

    try:
        parts = read("".join(text)[: cut % len(text) or len(text)])
    except Refused:
        return
    begun, ended = (sum(isinstance(part, kind) for part in parts) for kind in (StatementHeader, StatementEnd))
    assert begun == ended
