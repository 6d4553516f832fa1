"""A dead delivery is closed by a replay once none of its calls is missing, and none is made twice for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ingest import Context, FileLanded, PermanentError, call, processor
from ingest.store import replays
from tests.work.bench import NOW, Bench
from tests.work.test_calls import Died, reap, retry
from tests.work.test_calls_replayed import SCRIPT, mailer, make_due, replay, requests, script, verdict

__all__ = ["script"]  # used by every test


@call(repeatable=False)
def wire(request: Any, *, key: str, options: Mapping[str, Any]) -> None:
    SCRIPT.seen.append((key, request))
    if SCRIPT.raises:
        raise SCRIPT.raises.pop(0)


@processor(accepts=FileLanded, version="1", tables=[])
def wirer(event: FileLanded, ctx: Context) -> None:
    if SCRIPT.fails:
        raise PermanentError("not now")
    ctx.once("wire", wire, event.name)


def count(bench: Bench, table: str) -> int:
    [(found,)] = bench.rows(f"SELECT count(*) FROM {table}")
    return int(found)


def die(bench: Bench, *, worker: int) -> None:
    """The child makes a call, and dies in it."""
    SCRIPT.raises = [Died()]
    with pytest.raises(Died):
        bench.drain(bench.child(worker))


def test_a_delivery_stays_dead_while_a_replay_that_can_be_cancelled_has_its_call(
    bench: Bench,
) -> None:
    bench.add("mailer", mailer, max_attempts=1)
    bench.land("a")
    SCRIPT.fails = True
    bench.drain()
    SCRIPT.fails, SCRIPT.raises = False, [ConnectionError("no")]
    bench.add("mailer", mailer, max_attempts=2)
    replay(bench, "r1")
    bench.drain()
    replay(bench, "r2")
    bench.drain()

    with bench.store.write() as tx:
        replays.cancel(tx, "r1", now=NOW)
    stays = count(bench, "dead")
    retry(bench)
    bench.drain()

    assert verdict(bench, "r2")[0] == "done"
    assert stays == 1
    assert requests() == ["as it was", "as it was"]
    assert SCRIPT.seen[0] == SCRIPT.seen[1], "one key"
    assert bench.rows("SELECT state, note FROM outcomes WHERE generation_id = 1") == [("done", "")]


def test_a_call_that_a_forced_replay_made_for_a_dead_delivery_is_made_by_no_rerun(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    SCRIPT.raises = [PermanentError("no")]
    bench.drain()

    replay(bench, "f1", mode="force")
    bench.drain()
    closed = count(bench, "dead")
    replay(bench, "r1")
    bench.drain()

    assert closed == 0
    assert len({key for key, _ in SCRIPT.seen}) == len(SCRIPT.seen) == 2
    assert verdict(bench, "r1") == ("done", "unchanged", "")


def test_a_forced_replay_takes_no_call_from_a_live_delivery_that_is_still_at_it(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    SCRIPT.raises = [ConnectionError("no")]
    bench.drain()

    replay(bench, "f1", mode="force")
    bench.drain()
    make_due(bench)
    bench.drain()

    assert [key for key, _ in SCRIPT.seen].count(SCRIPT.seen[0][0]) == 2
    assert len(SCRIPT.seen) == 3
    assert bench.rows("SELECT state FROM outcomes") == [("done",), ("done",)]


def test_a_retry_allows_no_call_that_was_begun_on_purpose_under_another_key(bench: Bench) -> None:
    bench.add("wirer", wirer)
    bench.land("a")
    SCRIPT.raises = [PermanentError("no")]
    bench.drain()
    replay(bench, "f1", mode="force", of="wirer")
    die(bench, worker=1)

    retry(bench)
    reap(bench)
    make_due(bench)
    bench.drain(bench.child(2))

    keys = [key for key, _ in SCRIPT.seen]
    assert [keys.count(key) for key in dict.fromkeys(keys)] == [2, 1]
    assert verdict(bench, "f1")[:2] == ("dead", "dead")
    assert "must not be repeated" in verdict(bench, "f1")[2]


def test_a_retry_allows_no_call_that_a_rerun_has_begun_and_is_still_at(bench: Bench) -> None:
    bench.add("wirer", wirer)
    bench.land("a")
    SCRIPT.fails = True
    bench.drain()
    SCRIPT.fails = False
    replay(bench, "r1", of="wirer")
    die(bench, worker=1)

    retry(bench)
    reap(bench)
    make_due(bench)
    bench.drain(bench.child(2))

    assert len(SCRIPT.seen) == 1
    assert "must not be repeated" in verdict(bench, "r1")[2]
    assert "must not be repeated" in bench.rows("SELECT error FROM dead")[0][0]
