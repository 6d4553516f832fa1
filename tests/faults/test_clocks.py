"""A wall clock that is set while everything runs, and moments at which others stumble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline, wait_until
from tests.faults.clocks import WallClock
from tests.faults.disks import running
from tests.store.backends import only_on

HOUR = timedelta(hours=1)
IN_ORDER = """\
from pathlib import Path

from ingest import Context, FileLanded, processor

TOLD = Path({root!r}) / "order"
FAILED = Path({root!r}) / "failed"


@processor(accepts=FileLanded, version="1")
def in_order(event: FileLanded, ctx: Context) -> None:
    failed = FAILED / event.name
    if not failed.exists():
        failed.touch()
        raise OSError("once each")
    with TOLD.open("a") as told:
        told.write(event.name + "\\n")
"""
ONE_KEY = CONFIG.replace('path = "inbox"', 'path = "inbox"\npartition = "{source}"')
FLAKY = """
[[processor]]
name = "in_order"
use = "in_order:in_order"
backoff = { base = "400ms", cap = "1s" }
"""


@pytest.fixture
def project(tmp_path: Path) -> Pipeline:
    """All files are of one key; a processor fails once for each, and tells in which order it was asked."""
    root = tmp_path / "p"
    made = pipeline(root, ONE_KEY + FLAKY)
    (root / "processors").mkdir()
    (root / "failed").mkdir()
    (root / "processors" / "in_order.py").write_text(IN_ORDER.format(root=str(root)))
    return made


def drop(project: Pipeline, numbers: range) -> None:
    for n in numbers:
        project.drop(f"{n:02}.csv", payments_file(f"P-{n}"))
        wait_until(
            lambda n=n: project.rows("SELECT count(*) FROM landings") == [(n,)],  # type: ignore[misc]  # n is bound
            f"file {n} has landed",
        )


def has_told(project: Pipeline, count: int) -> bool:
    order = project.root / "order"
    return order.exists() and len(order.read_text().split()) >= count


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_clock_that_is_set_while_all_run_changes_no_order_and_doubles_nothing(
    project: Pipeline, tmp_path: Path, step: timedelta
) -> None:
    clock = WallClock(tmp_path / "clock")
    env = clock.env()
    with ExitStack() as stack:
        for command in ("watch", "work", "work"):
            stack.enter_context(running(project, command, **env))
        drop(project, range(1, 4))
        wait_until(lambda: has_told(project, 1), "work is in full swing")
        clock.step(step)
        drop(project, range(4, 8))
        wait_until(lambda: has_told(project, 7), "nothing waits for as long as the clock was set")
        wait_until(lambda: project.rows("SELECT count(*) FROM deliveries") == [(0,)], "all has drained")
        wait_until(
            lambda: latest_lease(project) < now(project, clock) + timedelta(seconds=31),
            "no lease is immortal",
        )

    # A worker whose lease the clock ended is fenced: what it ran then is run again, and stands once.
    told = dict.fromkeys((project.root / "order").read_text().split())
    assert list(told) == [f"{n:02}.csv" for n in range(1, 8)]
    assert project.rows("SELECT count(*) FROM payments") == [(7,)]
    assert project.rows("SELECT count(*) FROM ledger_postings") == [(14,)]
    keyseqs = "SELECT keyseq FROM events WHERE type = 'ingest.file.landed.v1' ORDER BY position"
    assert project.rows(keyseqs) == [(n,) for n in range(1, 8)]
    assert project.rows("SELECT count(*) FROM dead") == [(0,)]
    project.assert_sound()


def now(project: Pipeline, clock: WallClock) -> datetime:
    """By the clock that leases go by: a server has its own."""
    return datetime.now(UTC) if project.is_on_server else clock.read()


def latest_lease(project: Pipeline) -> datetime:
    """When the last lease of those that live ends; never, while all are still taken for dead."""
    [(micros,)] = project.rows("SELECT max(lease_until) FROM workers WHERE state = 'active'")
    if micros is None:
        return datetime.max.replace(tzinfo=UTC)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2028, 2, 29, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC),
    ],
    ids=["summer begins", "summer ends", "leap day", "2038", "1970"],
)
@only_on("sqlite", "on a server, its clock tells the time, and is not ours to set")
def test_no_moment_is_special(tmp_path: Path, moment: datetime) -> None:
    project = pipeline(tmp_path / "p")
    clock = WallClock(tmp_path / "clock")
    env = {**os.environ, **clock.env(), "TZ": "Europe/Berlin"}

    def run(*args: str) -> str:
        command = [sys.executable, "-m", "ingest", *args]
        return subprocess.run(
            command, cwd=project.root, env=env, check=True, capture_output=True
        ).stdout.decode()

    clock.set(moment - timedelta(seconds=1))
    project.drop("01.csv", payments_file("P-1"))
    run("watch", "--once")
    wait_until(lambda: clock.read() > moment, "the moment is over")
    project.drop("02.csv", payments_file("P-2"))
    run("watch", "--once")
    run("work", "--once", "--wait-retries")

    events = [json.loads(line)["event"] for line in run("events", "list", "--json").splitlines()]
    landed = [datetime.fromisoformat(e["time"]) for e in events if e["type"] == "ingest.file.landed.v1"]
    assert all(abs(at - moment) < timedelta(minutes=1) for at in landed), landed
    assert landed == sorted(landed)
    assert all(event["time"].endswith("Z") for event in events)
    assert project.rows("SELECT count(*) FROM ledger_postings") == [(4,)]
    project.assert_worked_off()
