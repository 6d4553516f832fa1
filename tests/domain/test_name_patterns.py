"""Patterns of names: what they capture, and that no name can keep one busy."""

from __future__ import annotations

import time

import pytest

from ingest.domain.name_patterns import LONGEST_NAME, LONGEST_PATTERN, compile_name_pattern

TAKEN = [
    r"",
    r"(?P<account>[A-Z0-9]+)_(?P<sequence>\d+)\.csv",
    r"[A-Z]+_\d+_\d+_[a-z]+_\w+\.csv",
    r".*_.*\.csv",
    r".*.*x",
    r"(?i)pay.*\.(csv|txt)",
    r"(?:[A-Z]+_)*x\.csv",
    r"(?:ab|cd)+\.csv",
    r"(?P<day>\d{4}-\d\d-\d\d)(?:_v\d+)?\.(?:csv|csv\.gz)",
    r"(?!test_)\w+\.csv",
    r"(?>a+)b++c",
    r"[^_]*_[^_]*_[^_]*_[^_]*\.csv",
    r"(?P<a>\w+)-(?P<b>\w+)-(?P<c>\w+)-(?P<d>\w+)\.csv",
    r"^start.*end$",
]
BUSY = [
    r"(a+)+b",
    r"(a|a)*b",
    r"(a|ab)*c",
    r"(a*)*",
    r"(\w+\s?)*x",
    r"(x+x+)+y",
    r"(?i:(A+)+)b",
    r"([^A]|(?i:a))*x.*.*y",
    r".*.*.*x",
    r"(?:a?){50}a{50}",
    r"(?:.*,){11}P",
    r"(?:\d+|\w+)*x",
    r"([ж-ю]+[ж-ю]?)*!",
    r"(?i)(k+\u212a?)*!",  # the sign of Kelvin is a k where case does not count
    r"(?:x+|x+?y)*!",
]
NAMES = ["a" * 255, "_" * 255, "1" * 255, "aA" * 127 + "!", "ab" * 127, "x_" * 127, "a1-" * 85, "ю" * 127]


@pytest.mark.parametrize("pattern", TAKEN)
def test_a_pattern_that_is_taken_is_quick_whatever_the_name(pattern: str) -> None:
    compiled = compile_name_pattern(pattern)

    began = time.thread_time()
    for name in NAMES:
        compiled.values(name.encode())

    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize("pattern", BUSY)
def test_a_pattern_that_some_name_could_keep_busy_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="busy"):
        compile_name_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", "[a", "a{2,1}", "x" * (LONGEST_PATTERN + 1), "(?P<a>.)(?P<a>.)"),
        *(r"(.)\1", r"(?P<a>.)(?P=a)", r"(a)?(?(1)b|c)", "a(?#what repeats?)*", "(?x)a b", "(?x:a b)"),
    ],
)
def test_a_pattern_that_is_malformed_or_too_long_or_refers_back_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"regular expression|back-references|at most|spaces"):
        compile_name_pattern(pattern)


def test_the_whole_name_must_match_and_groups_that_matched_nothing_are_left_out() -> None:
    pattern = compile_name_pattern(r"(?P<a>\d+)(?:-(?P<b>\d))?\.csv")

    assert pattern.groups == ("a", "b")
    assert pattern.fields(b"1-2.csv") == {"a": "1", "b": "2"}
    assert pattern.fields(b"1.csv") == {"a": "1"}
    assert pattern.fields(b"1.csv.gz") is None
    assert pattern.fields(b"1.csv\n") is None


def test_a_stray_byte_is_one_character_and_is_shown_escaped() -> None:
    pattern = compile_name_pattern(r"caf(?P<letter>.)\.csv")

    assert pattern.fields(b"caf\xe9.csv") == {"letter": "\\xe9"}
    assert pattern.fields("caf\u00e9.csv".encode()) == {"letter": "\u00e9"}


def test_a_name_longer_than_any_file_system_allows_does_not_match() -> None:
    pattern = compile_name_pattern(".*")

    assert pattern.values(b"x" * LONGEST_NAME) == {}
    assert pattern.values(b"x" * (LONGEST_NAME + 1)) is None


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (r"[]x]+[^]y]{}{,2}{x}\]", b"]x]-{}{x}]"),
        (r"\x41\u0042\103[\]\\]+", b"ABC]\\"),
        (r"a(?:|b(?=c))(?<!z)c*?\.\\", b"abcc.\\"),
        (r"(?s-i:.)(?P<n>\d{2,}?)\Z", b"x123"),
    ],
)
def test_what_is_written_in_any_way_is_understood(pattern: str, name: bytes) -> None:
    assert compile_name_pattern(pattern).values(name) is not None
