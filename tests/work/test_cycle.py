"""What a child does with what it holds."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ingest import Context, FileLanded, PermanentError, processor, table
from ingest.store import lanes
from ingest.store.presence import Running
from ingest.work import cycle as cycle_module
from tests.work.bench import NOW, Bench, states

SEEN = table("seen", name=str, before=int, unique="name")
PLAIN = table("plain", name=str)


@processor(accepts=FileLanded, version="1", tables=[])
def nothing(event: FileLanded, ctx: Context) -> None:
    """Hands nothing over."""


@processor(accepts=FileLanded, version="1", tables=[SEEN])
def seen(event: FileLanded, ctx: Context) -> None:
    """Books its name and how many rows stood when it looked."""
    if event.name.startswith("bad"):
        raise PermanentError("a bad file")
    if event.name.startswith("again"):
        raise ValueError("not now")
    ctx.insert(SEEN, {"name": event.name, "before": len(ctx.select(SEEN))})


@processor(accepts=FileLanded, version="1", tables=[PLAIN])
def refusing(event: FileLanded, ctx: Context) -> None:
    """Refuses a row of every file whose name starts with `bad`."""
    ctx.insert(PLAIN, {"name": event.name})
    if event.name.startswith("bad"):
        ctx.reject(rule="required", line=2, column="amount", raw="x")


def test_a_run_sees_the_rows_of_those_before_it_in_the_same_hold(bench: Bench) -> None:
    bench.add("seen", seen)
    bench.land("a", "b", "c")

    bench.drain()

    assert bench.rows('SELECT name, "before" FROM seen ORDER BY name') == [("a", 0), ("b", 1), ("c", 2)]


def test_a_failing_head_holds_up_its_own_key_only(bench: Bench) -> None:
    bench.add("seen", seen)
    bench.land("again", "behind", key="acme/one")
    bench.land("other", key="acme/two")

    cycle = bench.drain()

    assert bench.rows("SELECT name FROM seen") == [("other",)]
    assert bench.rows("SELECT keyseq, attempts FROM deliveries ORDER BY keyseq") == [(1, 1), (2, 0)]
    assert cycle.ended == {"done": 1, "retrying": 1}


def test_a_bad_file_is_dead_at_once_and_parks_its_key(bench: Bench) -> None:
    bench.add("seen", seen)
    bench.land("bad", "behind")

    bench.drain()

    assert bench.rows("SELECT attempts, error FROM dead") == [(1, "a bad file")]
    assert bench.rows("SELECT state FROM lanes") == [("parked",)]
    assert states(bench) == []


def test_a_key_goes_on_after_a_dead_file_where_its_owner_said_skip(bench: Bench) -> None:
    bench.add("seen", seen, on_dead="skip")
    bench.land("bad", "behind")

    bench.drain()

    assert states(bench) == [("id-2", "done")]
    assert bench.rows("SELECT count(*) FROM dead") == [(1,)]


def test_a_file_with_too_many_refused_rows_books_nothing_and_shows_why(bench: Bench) -> None:
    bench.add("refusing", refusing, on_dead="skip")
    bench.land("good-1", "bad", "good-2")

    bench.drain()

    assert bench.rows("SELECT name FROM plain") == [("good-1",), ("good-2",)]
    assert bench.rows('SELECT event_id, line, "column", rule FROM rejects') == [
        ("id-2", 2, "amount", "required")
    ]
    assert bench.rows("SELECT error FROM dead")[0][0].startswith("1 of 2 rows rejected")


def test_what_follows_a_refused_file_in_its_lane_is_not_applied_before_it(bench: Bench) -> None:
    bench.add("refusing", refusing)
    bench.land("bad", "behind")

    bench.drain()

    assert bench.rows("SELECT count(*) FROM plain") == [(0,)]
    assert bench.rows("SELECT keyseq FROM deliveries") == [(2,)]


def test_one_result_that_cannot_be_applied_takes_no_other_with_it(bench: Bench) -> None:
    bench.add("seen", seen)
    bench.add("plain", refusing)
    bench.land("a", key="acme/one")
    bench.land("trap", key="acme/two")
    bench.land("c", key="acme/three")
    with bench.store.write() as tx:
        tx.exec_driver_sql("INSERT INTO plain (name, event_id) VALUES ('trap', 'of another')")
        tx.exec_driver_sql("CREATE UNIQUE INDEX plain_once ON plain (name)")

    bench.drain()

    assert bench.rows("SELECT name FROM plain ORDER BY name") == [("a",), ("c",), ("trap",)]
    assert "unique" in bench.rows("SELECT error FROM deliveries")[0][0].lower()


def test_a_child_that_was_fenced_out_writes_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.add("seen", seen)
    bench.land("a")
    zombie = bench.child(1)
    with bench.store.write() as tx:
        claimed = zombie._claim(tx)
    zombie._hold = zombie._fetched(claimed)
    with bench.store.write() as tx:
        lanes.release(tx, "worker-1", 1, now=NOW)
    bench.drain(bench.child(2))

    with caplog.at_level(logging.WARNING):
        zombie.turn()

    assert "fenced" in caplog.text
    assert bench.rows("SELECT count(*) FROM seen") == [(1,)]
    assert states(bench) == [("id-1", "done")]


def test_what_a_stopped_child_had_claimed_goes_back_at_no_charge(bench: Bench) -> None:
    bench.add("nothing", nothing)
    bench.land("a", "b")
    child = bench.child()
    with bench.store.write() as tx:
        claimed = child._claim(tx)
    child._hold = child._fetched(claimed)

    child.release()

    assert bench.rows("SELECT state FROM lanes") == [("ready",)]
    assert bench.rows("SELECT sum(attempts), sum(crashes) FROM deliveries") == [(0, 0)]
    assert bench.rows("SELECT count(*) FROM attempts") == [(0,)]


def test_a_child_with_a_limit_ends_that_many_deliveries(bench: Bench) -> None:
    bench.add("nothing", nothing)
    bench.land(*"abcdefgh")
    child = bench.child(limit=3)

    while child.turn() and not child.has_spent_limit():
        pass
    child.release()

    assert len(states(bench)) == 3
    assert bench.rows("SELECT count(*) FROM deliveries") == [(5,)]


def test_the_board_names_the_delivery_while_it_runs_and_nothing_afterwards(bench: Bench) -> None:
    found: list[Running | None] = []

    @processor(accepts=FileLanded, version="1", tables=[])
    def looking(event: FileLanded, ctx: Context) -> None:
        found.append(bench.board().read(1))

    bench.add("looking", looking)
    bench.land("a")

    bench.drain(bench.child(1))

    ran = found[0]
    assert ran is not None
    assert ran.keyseq == 1
    assert ran.deadline_ns > ran.started_ns
    assert bench.board().read(1) is None


def test_a_child_of_a_worker_that_was_taken_for_dead_claims_nothing(bench: Bench) -> None:
    from ingest.errors import WorkerLost  # noqa: PLC0415  # the promise under test
    from ingest.store import workers  # noqa: PLC0415

    bench.add("nothing", nothing)
    bench.land("a")
    child = bench.child()
    with bench.store.write() as tx:
        workers.bury_worker(tx, "worker-1")

    with pytest.raises(WorkerLost):
        child.turn()


def test_every_processor_gets_its_turn(bench: Bench) -> None:
    bench.add("seen", seen)
    bench.add("nothing", nothing)
    bench.land("a", "b")

    bench.drain()

    by_generation = "SELECT generation_id, count(*) FROM outcomes GROUP BY 1 ORDER BY 1"
    assert bench.rows(by_generation) == [(1, 2), (2, 2)]


def test_a_result_that_is_applied_alone_stands_on_the_board_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add("seen", seen)
    bench.land("a")
    cycle, found = bench.child(1), []
    really = vars(cycle_module)["settle"]

    def watched(*args: Any, **kwargs: Any) -> Any:
        found.append(bench.board().read(1))
        return really(*args, **kwargs)

    monkeypatch.setattr(cycle_module, "settle", watched)
    bench.drain(cycle)

    named = [running.keyseq for running in found if running is not None]
    assert named == [1], "a crash while it is applied is charged to it, and to nothing later"
