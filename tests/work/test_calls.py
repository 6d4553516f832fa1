"""What is registered is called after the commit, in order, under one key and with one request."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from ingest import Context, FileLanded, PermanentError, TryLater, call, processor, table
from ingest.errors import CannotWrite
from ingest.store import dead, lanes, schema
from tests.work.bench import NOW, Bench, states

ROWS = table("called_rows", name=str, unique="name")


@dataclass
class Outside:
    """What receivers saw, and what they do next."""

    bench: Bench | None = None
    seen: list[tuple[str, Any]] = field(default_factory=list)
    stood: list[int] = field(default_factory=list)  # rows committed when it was called
    raises: list[BaseException | None] = field(default_factory=list)  # None: it goes well
    suffix: str = ""


OUTSIDE = Outside()


@pytest.fixture(autouse=True)
def outside(bench: Bench) -> Outside:
    OUTSIDE.__init__(bench=bench)  # type: ignore[misc]  # a fresh one, where the processors find it
    return OUTSIDE


def _arrive(key: str, request: Any) -> dict[str, Any]:
    assert OUTSIDE.bench is not None
    OUTSIDE.seen.append((key, request))
    OUTSIDE.stood.append(OUTSIDE.bench.rows("SELECT count(*) FROM called_rows")[0][0])
    error = OUTSIDE.raises.pop(0) if OUTSIDE.raises else None
    if isinstance(error, Taken):
        error.happen()
    elif error is not None:
        raise error
    return {"n": len(OUTSIDE.seen)}


@call(repeatable=True)
def post(request: Any, *, key: str, options: Mapping[str, Any]) -> Any:
    return _arrive(key, request)


@call(repeatable=False)
def once_only(request: Any, *, key: str, options: Mapping[str, Any]) -> Any:
    return _arrive(key, request)


@processor(accepts=FileLanded, version="1", tables=[ROWS])
def caller(event: FileLanded, ctx: Context) -> None:
    ctx.insert(ROWS, {"name": event.name})
    ctx.once("first", post, {"file": event.name + OUTSIDE.suffix})
    if event.name.startswith("two"):
        ctx.once("second", post, {"file": event.name, "n": 2})
    if event.name.startswith("bad"):
        raise PermanentError("bad file")
    if event.name.startswith("refused"):
        ctx.reject(rule="no")


@processor(accepts=FileLanded, version="1", tables=[ROWS])
def careful(event: FileLanded, ctx: Context) -> None:
    ctx.insert(ROWS, {"name": event.name})
    ctx.once("only", once_only, {"file": event.name})


def files() -> list[str]:
    return [request["file"] for _, request in OUTSIDE.seen]


def test_calls_are_made_in_order_after_the_rows_stand_and_end_with_the_outcome(bench: Bench) -> None:
    bench.add("caller", caller)
    bench.land("two-a", "b")

    bench.drain()

    assert files() == ["two-a", "two-a", "b"]
    assert OUTSIDE.stood == [1, 1, 2], "the next of the key is run when the calls of the former are made"
    assert states(bench) == [("id-1", "done"), ("id-2", "done")]
    assert len({key for key, _ in OUTSIDE.seen}) == 3
    assert bench.rows("SELECT count(*) FROM effects WHERE name LIKE 'call:%'") == [(3,)]
    assert bench.rows("SELECT result FROM calls ORDER BY made_at, n")[0] == ('{"n":1}',)
    assert bench.rows("SELECT count(*) FROM calling") == [(0,)]


@pytest.mark.parametrize("name", ["bad", "refused"])
def test_nothing_is_called_for_a_file_that_failed_or_was_rejected(bench: Bench, name: str) -> None:
    bench.add("caller", caller)
    bench.land(name)

    bench.drain()

    assert OUTSIDE.seen == []
    assert bench.rows("SELECT count(*) FROM calls") == [(0,)]
    assert bench.rows("SELECT count(*) FROM dead") == [(1,)]


def test_a_call_that_fails_is_tried_again_alone_with_the_same_key_and_request(bench: Bench) -> None:
    bench.add("caller", caller, backoff_base=0.0)
    bench.land("two")
    OUTSIDE.raises = [ConnectionError("no")]

    bench.drain()
    OUTSIDE.suffix = " otherwise"
    bench.drain()

    assert files() == ["two", "two", "two"]
    assert OUTSIDE.seen[0] == OUTSIDE.seen[1], "the first again"
    assert states(bench) == [("id-1", "done")]
    assert bench.rows("SELECT n, ended, error FROM attempts")[0][:2] == (1, "failed")
    assert "call first: ConnectionError: no" in bench.rows("SELECT error FROM attempts")[0][0]
    assert bench.rows("SELECT count(*) FROM called_rows") == [(1,)]


def test_what_was_made_before_a_failure_is_not_made_again(bench: Bench) -> None:
    bench.add("caller", caller, backoff_base=0.0)
    bench.land("two")
    OUTSIDE.raises = [None, ConnectionError("no")]

    bench.drain()

    assert [request.get("n", 1) for _, request in OUTSIDE.seen] == [1, 2, 2]
    assert states(bench) == [("id-1", "done")]


def test_a_permanent_error_of_a_call_is_dead_and_a_retry_resumes_the_calls_only(bench: Bench) -> None:
    bench.add("caller", caller)
    bench.land("two", "behind")
    OUTSIDE.raises = [None, PermanentError("they will never take it")]
    bench.drain()
    assert bench.rows("SELECT error FROM dead") == [("call second: they will never take it",)]
    assert files() == ["two", "two"], "the key is parked"
    OUTSIDE.suffix = " otherwise"

    retry(bench)
    bench.drain()

    assert files() == ["two", "two", "two", "behind otherwise"]
    assert OUTSIDE.seen[1] == OUTSIDE.seen[2]
    assert states(bench) == [("id-1", "done"), ("id-2", "done")]


def test_a_call_that_must_not_be_repeated_waits_for_a_person_once_it_was_begun(bench: Bench) -> None:
    bench.add("careful", careful)
    bench.land("a")
    OUTSIDE.raises = [TimeoutError("no answer")]
    bench.drain()
    retrying = bench.rows("SELECT error FROM dead")

    retry(bench)
    bench.drain()

    assert "call only: TimeoutError: no answer" in retrying[0][0]
    assert files() == ["a", "a"], "a person decided that it be called again"
    assert states(bench) == [("id-1", "done")]


def test_a_call_that_was_begun_when_its_process_died_is_not_made_again(bench: Bench) -> None:
    bench.add("careful", careful)
    bench.land("a")
    OUTSIDE.raises = [Died()]
    with pytest.raises(Died):
        bench.drain()
    reap(bench)

    bench.drain(bench.child(2))

    assert files() == ["a"]
    assert "must not be repeated" in bench.rows("SELECT error FROM dead")[0][0]


def test_a_call_whose_process_died_is_made_again_with_the_same_key_and_stored_request(bench: Bench) -> None:
    bench.add("caller", caller)
    bench.land("two")
    OUTSIDE.raises = [None, Died()]
    with pytest.raises(Died):
        bench.drain()
    reap(bench)
    OUTSIDE.suffix = " otherwise"

    bench.drain(bench.child(2))

    assert len(OUTSIDE.seen) == 4
    assert OUTSIDE.seen[:2] == OUTSIDE.seen[2:]
    assert states(bench) == [("id-1", "done")]
    assert bench.rows("SELECT count(*) FROM called_rows") == [(1,)]


def test_a_worker_that_was_fenced_out_calls_nothing_more(bench: Bench) -> None:
    bench.add("caller", caller)
    bench.land("two")
    zombie = bench.child(1)
    OUTSIDE.raises = [Taken(bench)]

    bench.drain(zombie)
    zombie.release()

    assert len(OUTSIDE.seen) == 3, "the zombie's one, then both of its successor"
    assert OUTSIDE.seen[0] == OUTSIDE.seen[1]
    assert states(bench) == [("id-1", "done")]
    assert bench.rows("SELECT count(*) FROM outcomes") == [(1,)]


def test_another_wait_than_the_backoff_may_be_asked_for(bench: Bench) -> None:
    bench.add("caller", caller, backoff_base=0.001, backoff_cap=1000.0)
    bench.land("a")
    OUTSIDE.raises = [TryLater("busy", after=500.0)]

    bench.drain()

    (waits,) = bench.rows("SELECT available_at FROM lanes")
    assert waits[0] / 1e6 - time.time() > 400


def test_calls_of_several_keys_share_a_commit_and_a_limit_counts_what_ended(bench: Bench) -> None:
    bench.add("caller", caller)
    for n in range(6):
        bench.land(f"f{n}", key=f"acme/{n}")

    cycle = bench.child(limit=4)
    while not cycle.has_spent_limit() and cycle.turn():
        pass
    cycle.release()

    assert len(OUTSIDE.seen) == 4
    assert bench.rows("SELECT count(*) FROM outcomes") == [(4,)]
    assert bench.rows("SELECT count(*) FROM lanes WHERE state = 'leased'") == [(0,)]


def test_a_stop_between_two_calls_leaves_the_rest_to_the_next(bench: Bench) -> None:
    bench.add("caller", caller)
    bench.land("two")
    stopped = bench.child(1)
    stopped.is_stopping = lambda: len(OUTSIDE.seen) == 1
    while stopped.turn() and not stopped.is_stopping():
        pass
    stopped.release()

    bench.drain(bench.child(2))

    assert [request.get("n", 1) for _, request in OUTSIDE.seen] == [1, 2], "neither is repeated"
    assert states(bench) == [("id-1", "done")]
    assert bench.rows("SELECT count(*) FROM attempts") == [(0,)], "a graceful stop costs nothing"


class Odd(BaseException):
    """What a call raises that is not even an Exception."""


@pytest.mark.parametrize("error", [SystemExit(3), Odd("odd"), MemoryError()], ids=repr)
def test_whatever_a_call_raises_is_recorded(bench: Bench, error: BaseException) -> None:
    bench.add("caller", caller)
    bench.land("a")
    OUTSIDE.raises = [error]

    cycle = bench.drain()

    assert bench.rows("SELECT error FROM attempts")[0][0].startswith(f"call first: {type(error).__name__}")
    assert cycle.ended["crashed" if isinstance(error, MemoryError) else "retrying"] == 1


def test_a_function_that_is_gone_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add("caller", caller)
    bench.land("a")
    OUTSIDE.raises = [Died()]
    with pytest.raises(Died):
        bench.drain()
    reap(bench)

    monkeypatch.delattr("tests.work.test_calls.post")
    bench.drain(bench.child(2))

    assert "has no call 'post' any more" in bench.rows("SELECT error FROM dead")[0][0]


def test_a_result_that_cannot_be_kept_does_not_repeat_the_call(bench: Bench) -> None:
    bench.add("odd", odd)
    bench.land("a")

    bench.drain()

    assert states(bench) == [("id-1", "done")]
    assert bench.rows("SELECT result FROM calls") == [(None,)]
    assert len(OUTSIDE.seen) == 1


def test_a_later_version_does_not_silently_close_what_only_lacks_its_calls(bench: Bench) -> None:
    bench.add("caller", caller)
    (first,) = bench.land("a")
    OUTSIDE.raises = [PermanentError("no")]
    bench.drain()

    with bench.store.write() as tx:
        dead.supersede(tx, [first], now=NOW)

    assert bench.rows("SELECT count(*) FROM dead") == [(1,)]


class Died(CannotWrite):
    """Stands for the end of the process: an error of the store's, after which nothing is recorded here."""

    def __init__(self) -> None:
        super().__init__("died")


class Taken(Exception):
    """The lane is taken by another worker while the call is under way, and worked off."""

    def __init__(self, bench: Bench) -> None:
        super().__init__("late")
        self._bench = bench

    def happen(self) -> None:
        reap(self._bench)
        self._bench.drain(self._bench.child(2))


@call(repeatable=True)
def strange(request: Any, *, key: str, options: Mapping[str, Any]) -> Any:
    _arrive(key, request)
    return {1, 2}


@processor(accepts=FileLanded, version="1", tables=[ROWS])
def odd(event: FileLanded, ctx: Context) -> None:
    ctx.once("odd", strange, {"file": event.name})


def retry(bench: Bench) -> None:
    """A person has asked that what is dead be tried again."""
    with bench.store.write() as tx:
        rows = tx.execute(select(schema.dead)).all()
        assert dead.retry(tx, rows, now=NOW) == rows


def reap(bench: Bench) -> None:
    """The process of child 1 is taken for dead: what it held is ready for others."""
    with bench.store.write() as tx:
        lanes.release(tx, "worker-1", 1, now=NOW)
