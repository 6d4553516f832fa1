"""Real workers, real processes: what a processor does to itself harms no other file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline, pipeline, wait_until
from tests.patience import PATIENCE

CONFIG = """\
version = 1

[work]
concurrency = 2
lease = "2s"

[[source]]
name = "acme"
path = "inbox"
complete = "renamed"

[[processor]]
name = "tricky"
use = "tricky:tricky"
timeout = "1s"
max_attempts = 2
max_crashes = 2
backoff = { base = "20ms", cap = "50ms" }
"""
TRICKY = """\
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ingest import Context, FileLanded, PermanentError, processor, table

DONE = table("done", name=str, unique="name")
HERE = Path(__file__).parent.parent


@processor(accepts=FileLanded, version="1")
def tricky(event: FileLanded, ctx: Context) -> None:
    kind = event.name.split("-")[0]
    if kind == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "exit":
        os._exit(3)
    if kind == "hang":
        time.sleep(60)
    if kind == "raise":
        raise ValueError("not now")
    if kind == "bad":
        raise PermanentError("never")
    if kind == "daemon":
        daemon = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        (HERE / "daemon.pid").write_text(str(daemon.pid))
        os._exit(4)
    if kind == "print":
        sys.stdout.write("x" * 5_000_000)
    if kind == "slow":
        (HERE / "started").touch()
        while not (HERE / "go").exists():
            time.sleep(0.01)
    ctx.insert(DONE, {"name": event.name})
"""


@pytest.fixture
def project(tmp_path: Path) -> Pipeline:
    made = pipeline(tmp_path / "p", CONFIG)
    (made.root / "processors").mkdir()
    (made.root / "processors" / "tricky.py").write_text(TRICKY)
    return made


def land(project: Pipeline, *names: str) -> None:
    for name in names:
        project.drop(name, name.encode())
    project.ok("watch", "--once")


def done(project: Pipeline) -> set[str]:
    return {row[0] for row in project.rows("SELECT name FROM done")}


def errors(project: Pipeline) -> dict[str, str]:
    query = "SELECT l.path, d.error FROM dead d JOIN landings l ON l.position = d.position"
    return {path.decode(): error for path, error in project.rows(query)}


def test_poison_files_are_dead_with_their_reason_and_the_healthy_flow(project: Pipeline) -> None:
    poison = ["segfault-1", "exit-1", "hang-1", "raise-1", "bad-1"]
    land(project, "fine-1", *poison, "fine-2", "print-1", *(f"fine-{n}" for n in range(3, 40)))

    ended = project.run("work", "--once", "--wait-retries", "--json")

    summary = json.loads(ended.stdout)
    assert ended.returncode == 3
    assert (summary["dead"], summary["crashed"]) == (5, 6)
    assert done(project) == {f"fine-{n}" for n in range(1, 40)} | {"print-1"}
    said = errors(project)
    assert said["segfault-1"] == "killed by SIGSEGV"
    assert said["exit-1"] == "exited with status 3"
    assert said["hang-1"] == "timed out after 1 s"
    assert said["raise-1"].startswith("ValueError: not now")
    assert said["bad-1"] == "never"
    project.assert_sound()


def test_a_process_that_a_processor_left_behind_is_ended_even_out_of_its_session(project: Pipeline) -> None:
    land(project, "daemon-1")

    project.run("work", "--once", "--wait-retries")

    pid = int((project.root / "daemon.pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_sigterm_lets_the_running_file_finish_and_exits_0(project: Pipeline) -> None:
    land(project, "slow-1", "fine-1", "fine-2")
    worker = project.start("work", "-c", "1")
    wait_until((project.root / "started").exists, "the slow file runs")

    worker.send_signal(signal.SIGTERM)
    (project.root / "go").touch()
    worker.communicate(timeout=PATIENCE)

    assert worker.returncode == 0
    assert "slow-1" in done(project)
    assert project.rows("SELECT count(*) FROM lanes WHERE state = 'leased'") == [(0,)]
    assert project.rows("SELECT count(*) FROM attempts") == [(0,)], "a graceful stop costs nothing"


def test_what_a_killed_worker_held_is_taken_over_at_once(project: Pipeline) -> None:
    project.configure(CONFIG.replace('lease = "2s"', 'lease = "1h"'))
    land(project, "slow-1", "fine-1")
    worker = project.start("work")
    wait_until((project.root / "started").exists, "the slow file runs")
    worker.kill()
    worker.communicate()
    (project.root / "go").touch()

    project.ok("work", "--once", "--wait-retries")

    assert done(project) == {"slow-1", "fine-1"}
    charged = project.rows("SELECT count(*), min(error) FROM attempts")
    assert charged == [(1, "its worker died while it ran")], "only what ran is charged"


def test_a_worker_suspended_past_its_lease_is_fenced_and_goes_on(project: Pipeline) -> None:
    land(project, "slow-1")
    zombie = project.start("work", "-c", "1")
    wait_until((project.root / "started").exists, "the slow file runs")
    children = [int(p) for p in Path(f"/proc/{zombie.pid}/task/{zombie.pid}/children").read_text().split()]
    for pid in (zombie.pid, *children):
        os.kill(pid, signal.SIGSTOP)
    (project.root / "go").touch()
    project.ok("work", "--once", "--wait-retries")
    wait_until(
        lambda: bool(project.rows("SELECT 1 FROM workers WHERE state = 'stale'")), "it is taken for dead"
    )

    for pid in (zombie.pid, *children):
        with suppress(ProcessLookupError):  # the worker, fenced, may have ended its child by now
            os.kill(pid, signal.SIGCONT)
    land(project, "fine-later")
    wait_until(lambda: "fine-later" in done(project), "it goes on")
    zombie.send_signal(signal.SIGTERM)
    _, err = zombie.communicate(timeout=PATIENCE)

    assert zombie.returncode == 0
    assert b"fenced" in err
    assert done(project) == {"slow-1", "fine-later"}
    assert project.rows("SELECT count(*) FROM outcomes") == [(2,)]


def test_a_process_that_gives_no_sign_of_life_between_two_files_is_replaced(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    silent = Path(__file__).with_name("silent.py")

    ended = subprocess.run(
        [sys.executable, silent],
        cwd=project.root,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (ended.stdout, ended.returncode) == ("True {}\n", 0), ended.stderr
    assert ended.stderr == "a child was lost: it gave no sign of life for 1.5 s\n"
    project.assert_sound()
