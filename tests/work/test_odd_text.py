"""A NUL character, which PostgreSQL cannot keep in text, is refused or escaped; nothing is tried for ever."""

from __future__ import annotations

import pytest

from ingest import Context, FileLanded, PermanentError, processor, table
from tests.work.bench import Bench

NAMED = table("named", name=str, more=dict)
ODD = "a\0b"


@processor(accepts=FileLanded, version="1", tables=[NAMED])
def odd(event: FileLanded, ctx: Context) -> None:
    """Hands over a NUL character where the name of the file says."""
    if event.name == "error":
        raise ValueError(ODD)
    if event.name == "permanent":
        raise PermanentError(ODD)
    if event.name == "reject":
        ctx.reject(rule=ODD, column=ODD, raw=ODD)
        return
    ctx.insert(NAMED, {"name": ODD if event.name == "row" else "fine", "more": {ODD: ODD}})


def drained(bench: Bench, name: str) -> None:
    bench.add("odd", odd, max_rejects=1.0)
    bench.land(name)
    bench.drain()


def test_in_a_row_it_is_a_permanent_failure_that_names_the_column(bench: Bench) -> None:
    drained(bench, "row")

    [(error,)] = bench.rows("SELECT error FROM dead")
    assert "column 'name' cannot hold this str: it contains NUL" in error


def test_within_json_it_is_kept(bench: Bench) -> None:
    drained(bench, "json")

    assert bench.rows("SELECT name, more FROM named") == [("fine", '{"a\\u0000b":"a\\u0000b"}')]


def test_in_a_refused_row_it_is_kept_escaped(bench: Bench) -> None:
    drained(bench, "reject")

    assert bench.rows('SELECT "column", rule, raw FROM rejects') == [(r"a\x00b", r"a\x00b", r"a\x00b")]


@pytest.mark.parametrize(("name", "where"), [("error", "attempts"), ("permanent", "dead")])
def test_in_an_error_it_is_kept_escaped(bench: Bench, name: str, where: str) -> None:
    drained(bench, name)

    [(error,)] = bench.rows(f"SELECT error FROM {where}")  # a constant
    assert r"a\x00b" in error
