"""What is kept of a message that may repeat what a file says."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.scrubbing import scrub


def _said(parse: Callable[[str], object], text: str) -> str:
    try:
        parse(text)
    except Exception as error:  # noqa: BLE001  # whatever a parser says
        return scrub(str(error))
    return ""


PARSERS: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "time": lambda text: time.strptime(text, "%Y-%m-%d"),
    "json": json.loads,
    "key": {"known": 1}.__getitem__,
    "index": ["known"].index,
    "bytes": lambda text: text.encode("ascii"),
    "csv": lambda text: list(csv.reader([f'"{text}"x'], strict=True)),
}


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@given(before=st.text(max_size=5), after=st.text(max_size=5))
def test_no_parser_repeats_what_it_read(parse: Callable[[str], object], before: str, after: str) -> None:
    said = _said(parse, f"{before}Grünfeld{after}")

    assert "Grünfeld" not in said
    assert "rünf" not in said


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("invalid literal for int() with base 10: 'x1'", "invalid literal for int() with base 10: '…'"),
        ("the bank isn't there, it's closed", "the bank isn't there, it's closed"),
        ("bad name 'O'Brien' at line 12", "bad name '…' at line 12"),
        ("row ['a', \"b'c\", b'z'] is bad", "row ['…', \"…\", '…'] is bad"),
        ("never closed: 'secret", "never closed: '…'"),
        ("account DE89370400440532013000 of 2026-03-02", "account … of 2026-03-02"),
        ("INSERT failed\n[parameters: (secret)]", "INSERT failed"),
        ("timed out after 30 s", "timed out after 30 s"),
    ],
)
def test_words_stay_and_what_is_quoted_goes(message: str, kept: str) -> None:
    assert scrub(message) == kept


@given(st.text(alphabet="'\"\\`ab \n", max_size=300))
def test_what_any_quoting_leaves_is_one_line(message: str) -> None:
    assert "\n" not in scrub(message)


def test_a_huge_message_is_cut_before_it_is_read() -> None:
    begun = time.process_time()

    said = scrub("'" * 50_000_000)

    assert len(said) <= 3_000
    assert time.process_time() - begun < 1
