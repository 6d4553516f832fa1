"""Replays are paused, resumed and cancelled from outside, while workers work on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.pipeline import Pipeline, pipeline, wait_until

FILES = 6
PROCESSOR = '''
import time
from pathlib import Path

from ingest import Context, FileLanded, processor, table

SEEN = table("seen", name=str, version=str)
HOME = Path(__file__).parents[1]


@processor(accepts=FileLanded, version="VERSION", tables=[SEEN])
def slow(event: FileLanded, ctx: Context) -> None:
    """Books a row once it may go on."""
    (HOME / "began").touch()
    while not (HOME / "go").exists():
        time.sleep(0.01)
    ctx.insert(SEEN, {"name": event.name, "version": "VERSION"})
'''
CONFIG = """
[work]
concurrency = 1

[[source]]
name = "acme"
path = "inbox"
complete = "renamed"

[[processor]]
name = "slow"
use = "slow:slow"
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Pipeline]:
    """Some files that version 1 has booked; version 2 waits for `go` in a replay that a worker works on."""
    made = pipeline(tmp_path / "p", CONFIG)
    (made.root / "processors").mkdir()
    code = made.root / "processors" / "slow.py"
    code.write_text(PROCESSOR.replace("VERSION", "1"))
    (made.root / "go").touch()
    for n in range(FILES):
        made.drop(f"{n}.txt", b"x%d" % n)
    made.ok("watch", "--once")
    made.ok("work", "--once")
    # Of another length: Python takes what it compiled for current where size and second are the same.
    code.write_text(PROCESSOR.replace("VERSION", "2") + "# corrected\n")
    for name in ("go", "began"):
        (made.root / name).unlink()
    made.ok("replay", "slow", "--yes")
    worker = made.start("work")
    try:
        wait_until((made.root / "began").exists, "the worker is at it")
        yield made
    finally:
        (made.root / "go").touch()
        worker.terminate()
        worker.communicate()


def replay(project: Pipeline) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.ok("replays", "list", "--json"))
    return found


def versions(project: Pipeline) -> dict[str, int]:
    return dict(project.rows("SELECT version, count(*) FROM seen GROUP BY 1"))


def leased(project: Pipeline) -> int:
    return int(project.rows("SELECT count(*) FROM lanes WHERE state = 'leased'")[0][0])


def test_a_replay_is_paused_while_it_runs_and_goes_on_where_it_was(project: Pipeline) -> None:
    id_ = replay(project)["id"]

    project.ok("replays", "pause", id_)
    (project.root / "go").touch()
    wait_until(lambda: leased(project) == 0, "what runs is finished")
    paused = replay(project)
    project.ok("replays", "resume", id_)
    wait_until(lambda: replay(project)["state"] == "done", "the rest is done")

    assert paused["state"] == "paused"
    assert 0 < paused["done"] < FILES
    assert (replay(project)["done"], replay(project)["repaired"]) == (FILES, FILES)
    assert versions(project) == {"2": FILES}


def test_a_replay_that_is_cancelled_under_a_worker_writes_nothing_more(project: Pipeline) -> None:
    project.ok("replays", "cancel", replay(project)["id"])
    (project.root / "go").touch()
    project.drop("late.txt", b"late")
    project.ok("watch", "--once")
    wait_until(lambda: versions(project).get("2", 0) == 1, "live work goes on")

    found = replay(project)
    assert (found["state"], found["total"], found["done"]) == ("cancelled", FILES, 0)
    assert versions(project) == {"1": FILES, "2": 1}
    project.assert_sound()
