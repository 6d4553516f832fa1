"""However long the log is: working, calling, retrying and replaying read only what they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from ingest import Context, FileLanded, PermanentError, call, fact, processor, table
from ingest.store.selection import Selection
from tests.work.bench import Bench
from tests.work.test_calls import retry

ROWS = table("path_rows", name=str, unique="name")
GROWING = {
    *("attempts", "calling", "calls", "contents", "dead", "deliveries", "differences", "effects"),
    *("event_keys", "events", "lanes", "outcomes", "path_rows", "rejects"),
}


@fact("tests.path", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A file passed."""

    name: str


@call(repeatable=False)
def post(request: Any, *, key: str, options: Mapping[str, Any]) -> None:
    if request == "unlucky":
        raise PermanentError("no")


@processor(accepts=FileLanded, version="1", tables=[ROWS])
def walker(event: FileLanded, ctx: Context) -> None:
    if event.name == "later":
        raise ValueError(event.name)
    ctx.insert(ROWS, {"name": event.name}, fact=Passed(name=event.name), key=event.name, name=event.name)
    ctx.reject(rule="no")
    ctx.once("post", post, event.name)


@pytest.fixture
def said() -> Iterator[list[str]]:
    """Every statement that stores opened from now on have run, with its values."""
    found: list[str] = []

    def listen(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(found.append)

    event.listen(Pool, "connect", listen)
    yield found
    event.remove(Pool, "connect", listen)


def scans(bench: Bench, said: list[str]) -> set[str]:
    """The statements that read a growing table from its beginning to its end."""
    found = set()
    with bench.store.read() as tx:
        for sql in {sql for sql in set(said) if re.match("SELECT|UPDATE|DELETE|INSERT", sql)}:
            for step in tx.connection.cursor().execute(f"EXPLAIN QUERY PLAN {sql}").fetchall():
                word, _, rest = step[3].partition(" ")
                if word == "SCAN" and rest.split()[0] in GROWING:
                    found.add(f"{step[3]}: {sql}")
    return found


@pytest.mark.parametrize("mode", ["live", "rerun", "shadow", "force"])
def test_no_step_of_a_delivery_reads_a_growing_table_as_a_whole(
    said: list[str], bench: Bench, mode: str
) -> None:
    bench.add("walker", walker, max_rejects=1.0, on_dead="skip")
    bench.land("a", "b", "a", "unlucky", "later", "c")
    if mode != "live":
        bench.drain()
        bench.replay("walker", mode)
    said.clear()

    bench.drain()
    while_working = list(said)
    retry(bench)
    said.clear()
    bench.drain()

    assert len(while_working) > 50
    assert scans(bench, while_working + said) == set()


@pytest.mark.parametrize("status", ["dead", "retrying"])
def test_the_few_that_failed_are_replayed_without_a_search_of_the_log(
    said: list[str], bench: Bench, status: str
) -> None:
    bench.add("walker", walker, max_rejects=1.0, on_dead="skip")
    bench.land("a", "unlucky", "b")
    bench.land("later", key="acme/other")
    bench.drain()
    said.clear()

    id_ = bench.replay("walker", selection=Selection(status=status))

    assert bench.report(id_).total == 1
    assert scans(bench, said) == set()
