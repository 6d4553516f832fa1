"""A key that is too long is a permanent failure where the processor hands it over: it is not tried again."""

from __future__ import annotations

import pytest

from ingest import Context, FileLanded, FileRefused, PermanentError, processor, table
from ingest.domain.keys import LONGEST_KEY
from tests.work.bench import NOW, Bench

NAMED = table("named", name=str, unique="name")
LONG = "ü" * (LONGEST_KEY // 2) + "."
TOLD = FileRefused(source="acme", name="a", path="a", size=0, reason="told", message="", refused_at=NOW)


@processor(accepts=FileLanded, version="1", tables=[NAMED])
def long(event: FileLanded, ctx: Context) -> None:
    """Hands over a key that is too long, in the way that the name of the file says."""
    if event.name == "emitted":
        ctx.emit(TOLD, key=LONG, name="one")
    elif event.name == "beside a row":
        ctx.insert(NAMED, {"name": "a"}, fact=TOLD, key=LONG, name="one")
    elif event.name == "row":
        ctx.insert(NAMED, {"name": LONG})
    elif event.name == "rows":
        ctx.insert_many(NAMED, [("a",), (LONG,)])
    else:
        try:
            ctx.insert(NAMED, {"name": LONG}, fact=TOLD, key="k", name="one")
        except PermanentError:
            ctx.reject(rule="length", column="name", raw=LONG)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("emitted", "the partition key of a fact has 2501 bytes, more than 2500"),
        ("beside a row", "the partition key of a fact has 2501 bytes, more than 2500"),
        ("row", "the unique key of a row of table 'named' has 2501 bytes, more than 2500"),
        ("rows", "the unique key of a row of table 'named' has 2501 bytes, more than 2500"),
    ],
)
def test_the_delivery_is_dead_at_once_and_says_why(bench: Bench, name: str, said: str) -> None:
    bench.add("long", long)
    bench.land(name)

    bench.drain()

    [(error, attempts)] = bench.rows("SELECT error, attempts FROM dead")
    assert said in error
    assert attempts == 1
    assert bench.rows("SELECT count(*) FROM named") == [(0,)]


def test_a_processor_may_reject_the_row_instead_and_nothing_of_it_is_counted(bench: Bench) -> None:
    bench.add("long", long, max_rejects=1.0)
    bench.land("rejected")

    bench.drain()

    assert bench.rows("SELECT state, rows_in, rows_rejected, facts FROM outcomes") == [("done", 1, 1, 0)]
