"""Patterns mean the names they say, on every path a filesystem can hold."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.globs import ALWAYS_IGNORED, compile_globs, matching_glob

NAMES = st.text(alphabet="ab.", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
GLOB_NAMES = st.text(alphabet="ab.*?", min_size=1, max_size=5).filter(
    lambda name: name not in {".", "..", "**"}
)
GLOBS = st.lists(st.one_of(st.just("**"), GLOB_NAMES), min_size=1, max_size=4).map("/".join)
BYTE_PATHS = st.binary(min_size=1, max_size=30).filter(
    lambda path: b"\0" not in path and all(part not in {b"", b".", b".."} for part in path.split(b"/"))
)


def means(pattern: list[str], path: list[str]) -> bool:
    """The same meaning, said the slow and obvious way."""
    if not pattern:
        return not path
    if pattern[0] != "**":
        return bool(path) and fnmatchcase(path[0], pattern[0]) and means(pattern[1:], path[1:])
    if len(pattern) == 1:
        return bool(path)
    return any(means(pattern[1:], path[skipped:]) for skipped in range(len(path) + 1))


@given(GLOBS, PATHS)
def test_a_pattern_means_what_the_slow_and_obvious_reading_means(pattern: str, path: str) -> None:
    matches = compile_globs([pattern])

    assert matches(path.encode()) is means(pattern.split("/"), path.split("/"))


@given(BYTE_PATHS)
def test_two_stars_and_one_take_every_path_whatever_its_bytes(path: bytes) -> None:
    assert compile_globs(["**/*"])(path)


@given(st.lists(GLOBS, max_size=4), PATHS)
def test_several_patterns_match_what_any_of_them_matches(patterns: list[str], path: str) -> None:
    matches = compile_globs(patterns)

    assert matches(path.encode()) is any(compile_globs([pattern])(path.encode()) for pattern in patterns)


@given(st.lists(GLOBS, max_size=4), PATHS)
def test_the_pattern_that_is_named_is_the_first_that_matches(patterns: list[str], path: str) -> None:
    named = matching_glob(patterns)(path.encode())

    assert named == next((p for p in patterns if compile_globs([p])(path.encode())), None)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/*.csv", "a.csv"),
        ("**/*.csv", "in/day/a.csv"),
        ("in/**", "in/day/a.csv"),
        ("*.[ct]sv", "a.tsv"),
        ("[!a]*", "bank.csv"),
        ("[]]x", "]x"),
        ("a[", "a["),
        ("?.csv", "é.csv"),
        ("[à-ü].csv", "é.csv"),
        ("(a|b)+.csv", "(a|b)+.csv"),
        ("a\\b", "a\\b"),
        ("*.csv", "two\nlines.csv"),
    ],
)
def test_a_pattern_takes(pattern: str, path: str) -> None:
    assert compile_globs([pattern])(path.encode())


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.csv", "in/a.csv"),
        ("*.csv", "a.CSV"),
        ("*.csv", "a.csv\n"),
        ("in/**", "in"),
        ("a?b", "a/b"),
        ("a[!b]c", "a/c"),
        ("a[.-0]c", "a/c"),
        ("?.csv", "e\u0301.csv"),
    ],
)
def test_a_pattern_leaves(pattern: str, path: str) -> None:
    assert not compile_globs([pattern])(path.encode())


def test_a_byte_that_is_not_utf_8_counts_as_one_character() -> None:
    assert compile_globs(["?.csv"])(b"\xe9.csv")


@pytest.mark.parametrize("pattern", ["", "/a", "a/", "a//b", "./a", "a/../b", "[z-a]", "x" * 1_001])
def test_a_pattern_that_could_never_match_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        compile_globs([pattern])


@pytest.mark.parametrize(
    "path",
    [
        ".x",
        ".git/config",
        "in/.ingest/db",
        "a.part",
        "in/a.tmp",
        "a.csv~",
        "~$a.xlsx",
        ".nfs0001",
        "a.lock",
        "b.filepart",
    ],
)
def test_what_is_still_being_written_or_hidden_is_ignored_everywhere(path: str) -> None:
    assert compile_globs(ALWAYS_IGNORED)(path.encode())


@pytest.mark.parametrize("path", ["a.csv", "in/a.csv", "part", "tmp", "a.tmp.csv", "lock", "in.tmp/a.csv"])
def test_an_ordinary_name_is_not_ignored(path: str) -> None:
    assert not compile_globs(ALWAYS_IGNORED)(path.encode())


@pytest.mark.parametrize("pattern", ["*a" * 60 + "b", "**/*a" * 60 + "/b", "**/" + "*a*" * 60 + "c"])
def test_a_wicked_pattern_and_a_wicked_name_cost_no_time(pattern: str) -> None:
    matches = compile_globs([pattern])
    started = time.process_time()

    matched = matches(b"a" * 255) or matches(b"/".join([b"a"] * 120))

    assert not matched
    assert time.process_time() - started < 1
