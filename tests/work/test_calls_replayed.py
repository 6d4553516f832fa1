"""A replay repeats no call that happened; a forced one repeats each, under one new key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ingest import Context, FileLanded, PermanentError, call, processor, table
from ingest.store import filling, replays
from ingest.store.selection import Selection
from tests.work.bench import NOW, Bench
from tests.work.test_calls import Died, reap

ROWS = table("replayed_rows", name=str, unique="name")


@dataclass
class Script:
    """What the processor registers, what receivers saw, and what they do next."""

    seen: list[tuple[str, Any]] = field(default_factory=list)
    raises: list[BaseException] = field(default_factory=list)
    fails: bool = False  # the processor does
    requests: dict[str, str] = field(default_factory=lambda: {"first": "as it was"})


SCRIPT = Script()


@pytest.fixture(autouse=True)
def script() -> Script:
    SCRIPT.__init__()  # type: ignore[misc]  # a fresh one, where the processor finds it
    return SCRIPT


@call(repeatable=True)
def post(request: Any, *, key: str, options: Mapping[str, Any]) -> None:
    SCRIPT.seen.append((key, request))
    if SCRIPT.raises:
        raise SCRIPT.raises.pop(0)


@processor(accepts=FileLanded, version="1", tables=[ROWS])
def mailer(event: FileLanded, ctx: Context) -> None:
    ctx.insert(ROWS, {"name": event.name})
    if SCRIPT.fails:
        msg = "not now"
        raise ValueError(msg)
    for name, request in SCRIPT.requests.items():
        ctx.once(name, post, request)


def replay(bench: Bench, id_: str, mode: str = "rerun", of: str = "mailer") -> None:
    """A replay of everything is due."""
    with bench.store.write() as tx:
        planned = replays.plan(tx, of, Selection())
        replays.start(tx, planned, replay_id=id_, plan_id="p", mode=mode, reason="why", who="ann", now=NOW)
        for fill in filling.unfilled(tx):
            filling.fill_window(tx, fill, now=NOW)


def make_due(bench: Bench, where: str = "") -> None:
    """Whatever waits for its next try is due."""
    with bench.store.write() as tx:
        tx.exec_driver_sql(f"UPDATE lanes SET available_at = 0 {where}")


def verdict(bench: Bench, id_: str) -> tuple[Any, ...]:
    query = (
        "SELECT o.state, o.verdict, o.note FROM outcomes o"
        " JOIN replays r ON r.generation_id = o.generation_id"
        f" WHERE r.id = '{id_}'"
    )
    return bench.rows(query)[0]


def requests() -> list[Any]:
    return [request for _, request in SCRIPT.seen]


def test_a_rerun_calls_nothing_that_was_called(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    bench.drain()

    replay(bench, "r1")
    bench.drain()

    assert requests() == ["as it was"]
    assert verdict(bench, "r1") == ("done", "unchanged", "")


def test_a_rerun_keeps_a_request_that_would_now_read_otherwise_and_says_so(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    bench.drain()
    SCRIPT.requests = {"first": "as it would be now"}

    replay(bench, "r1")
    bench.drain()

    assert requests() == ["as it was"]
    assert verdict(bench, "r1") == ("done", "changed", "1 calls would now read otherwise; they are kept")


def test_a_rerun_makes_a_call_that_is_new_by_name_and_calls_that_a_repair(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    bench.drain()
    SCRIPT.requests = {"first": "as it was", "second": "more"}

    replay(bench, "r1")
    bench.drain()

    assert requests() == ["as it was", "more"]
    assert verdict(bench, "r1")[:2] == ("done", "repaired")


def test_a_rerun_of_what_is_dead_makes_its_call_with_the_stored_request_and_closes_it(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a", "behind")
    SCRIPT.raises = [PermanentError("no")]
    bench.drain()
    SCRIPT.requests = {"first": "as it would be now"}

    replay(bench, "r1")
    bench.drain()

    assert SCRIPT.seen[0] == SCRIPT.seen[1], "one key, one request"
    assert bench.rows("SELECT count(*) FROM dead") == [(0,)]
    assert bench.rows("SELECT count(*) FROM calling") == [(0,)]
    assert bench.rows("SELECT count(*) FROM outcomes WHERE state <> 'done'") == [(0,)]
    assert len({key for key, _ in SCRIPT.seen}) == 2, "and the one behind went on"


def test_a_rerun_leaves_calls_to_the_live_delivery_that_still_has_to_make_them(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    SCRIPT.raises = [ConnectionError("no")]
    bench.drain()
    SCRIPT.requests = {"first": "as it would be now"}

    replay(bench, "r1")
    bench.drain()

    assert requests() == ["as it was"], "not by the replay"
    assert bench.rows("SELECT count(*) FROM calling") == [(1,)]
    assert verdict(bench, "r1")[0] == "done"


def test_a_rerun_that_cannot_call_is_dead_and_leaves_the_call_to_a_retry(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    bench.drain()
    SCRIPT.requests = {"first": "as it was", "second": "more"}
    SCRIPT.raises = [PermanentError("no")]
    replay(bench, "r1")
    bench.drain()

    replay(bench, "r2")
    bench.drain()

    assert verdict(bench, "r1")[:2] == ("dead", "dead")
    assert verdict(bench, "r2")[0] == "done"
    assert requests() == ["as it was", "more", "more"]
    assert SCRIPT.seen[1] == SCRIPT.seen[2]


def test_a_forced_replay_repeats_each_call_under_one_new_key(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    bench.drain()
    SCRIPT.raises = [ConnectionError("no")]

    replay(bench, "f1", mode="force")
    bench.drain()
    make_due(bench)
    bench.drain()
    replay(bench, "r1")
    bench.drain()

    assert requests() == ["as it was"] * 3
    live, forced, again = (key for key, _ in SCRIPT.seen)
    assert live != forced == again
    assert verdict(bench, "f1")[0] == "done"
    assert verdict(bench, "r1") == ("done", "unchanged", ""), "a rerun knows nothing of forced calls"


def test_a_cancelled_replay_leaves_no_call_behind_that_nobody_makes(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    bench.drain()
    SCRIPT.requests = {"first": "as it was", "second": "more"}
    SCRIPT.raises = [ConnectionError("no")]
    replay(bench, "r1")
    bench.drain()
    with bench.store.write() as tx:
        replays.cancel(tx, "r1", now=NOW)

    replay(bench, "r2")
    bench.drain()

    assert requests() == ["as it was", "more", "more"]
    assert bench.rows("SELECT count(*) FROM calling") == [(0,)]


def test_live_work_makes_a_call_that_a_rerun_registered_and_has_not_made(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    SCRIPT.fails = True
    bench.drain()
    SCRIPT.fails = False
    SCRIPT.raises = [ConnectionError("no")]
    replay(bench, "r1")
    bench.drain()
    SCRIPT.requests = {"first": "as it would be now"}

    make_due(bench, "WHERE generation_id = 1")
    bench.drain()
    by_live = list(SCRIPT.seen)
    make_due(bench)
    bench.drain()

    assert len(by_live) == 2
    assert by_live[0] == by_live[1], "one key, one request"
    assert by_live == SCRIPT.seen, "and the rerun has nothing left to call"
    assert bench.rows("SELECT state FROM outcomes") == [("done",), ("done",)]


def test_two_replays_at_once_come_to_one_request_for_a_key(bench: Bench) -> None:
    bench.add("mailer", mailer)
    bench.land("a")
    bench.drain()
    SCRIPT.requests = {"first": "as it was", "second": "one"}
    SCRIPT.raises = [Died()]
    replay(bench, "r1")
    with pytest.raises(Died):
        bench.drain()
    SCRIPT.requests = {"first": "as it was", "second": "other"}
    replay(bench, "r2")
    bench.drain(bench.child(2))

    reap(bench)
    bench.drain(bench.child(2))

    assert requests() == ["as it was", "one", "one"]
    assert len({key for key, _ in SCRIPT.seen}) == 2
