"""Processors that do the worst to their own process: the engine stays intact, and what is healthy flows."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline, pipeline, wait_until
from tests.patience import PATIENCE

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")

CONFIG = """\
version = 1

[work]
concurrency = 2
lease = "30s"
shutdown_timeout = "20s"

[[source]]
name = "acme"
path = "inbox"
complete = "renamed"

[[processor]]
name = "hostile"
use = "hostile:hostile"
timeout = "1s"
memory_max = "256MiB"
max_attempts = 1
max_crashes = 1
backoff = { base = "20ms", cap = "50ms" }
"""
HEALTHY = [f"fine-{n}" for n in range(20)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A project whose children have their private directories in `tmp`."""
    made = pipeline(tmp_path / "p", CONFIG)
    (made.root / "processors").mkdir()
    shutil.copy(Path(__file__).with_name("hostile.py"), made.root / "processors")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return made


def configure(project: Pipeline, **changes: str) -> None:
    text = CONFIG
    for name, value in changes.items():
        line = next(line for line in CONFIG.splitlines() if line.startswith(f"{name} ="))
        text = text.replace(line, f"{name} = {value}")
    project.configure(text)


def land(project: Pipeline, *names: str) -> None:
    for name in names:
        project.drop(name, name.encode())
    project.ok("watch", "--once")


def done(project: Pipeline) -> dict[str, str]:
    return dict(project.rows("SELECT name, found FROM done"))


def errors(project: Pipeline) -> dict[str, str]:
    query = "SELECT l.path, d.error FROM dead d JOIN landings l ON l.position = d.position"
    return {path.decode(): error for path, error in project.rows(query)}


def assert_intact(project: Pipeline, *names: str) -> None:
    """Nothing is left of the children, the store is sound, and these files are done."""
    assert done(project).keys() >= set(names)
    assert project.rows("SELECT count(*) FROM deliveries") == [(0,)]
    assert list((project.root.parent / "tmp").glob("ingest-*")) == [], "the private directories are gone"
    assert [path.suffix for path in (project.root / ".ingest/workers").glob("*") if path.suffix] == []
    project.assert_sound()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def daemons(project: Pipeline) -> list[int]:
    return [int(pid) for pid in (project.root / "daemons").read_text().split()]


def test_whatever_ends_or_exhausts_its_process_is_a_crash_with_its_reason(project: Pipeline) -> None:
    reasons = {
        "memory": "MemoryError",
        "mapped": "OSError: [Errno 12]",
        "segfault": "killed by SIGSEGV",
        "abort": "killed by SIGABRT",
        "oom": "killed by SIGKILL",
        "leave": "SystemExit: 0",
        "unusual": "Unusual: neither here nor there",
        "interrupt": "KeyboardInterrupt",
        "handles": "it closed files that the engine had open",
        "standard": "it closed files that the engine had open",
        "replaced": "it closed files that the engine had open",
        "printing": "exited with status 9",
    }
    land(project, *HEALTHY[:10], *reasons, *HEALTHY[10:], "caught", *(f"leak-{n}" for n in range(6)))

    ended = project.run("work", "--once", "--json")

    said = errors(project)
    assert {name: said[name][: len(reason)] for name, reason in reasons.items()} == reasons
    summary = json.loads(ended.stdout)
    assert (summary["dead"], summary["crashed"], summary["retried"]) == (len(reasons), 8, 0)
    assert done(project)["caught"] == "went on"
    assert_intact(project, *HEALTHY, *(f"leak-{n}" for n in range(6)))
    assert b"it printed 10020 bytes, not repeated here" in ended.stderr
    assert b"the last words" not in ended.stderr
    assert b"\x1b" not in ended.stderr


def test_whatever_cannot_be_interrupted_is_killed_when_its_time_is_up(project: Pipeline) -> None:
    hanging = ["regex", "joined", "finaliser", "stopped"]
    land(project, "thread", "exiting", *HEALTHY[:10], *hanging, *HEALTHY[10:])

    project.run("work", "--once")

    assert errors(project) == dict.fromkeys(hanging, "timed out after 1 s")
    assert_intact(project, "thread", "exiting", *HEALTHY)


def test_what_a_processor_changes_about_its_process_does_not_reach_the_next(project: Pipeline) -> None:
    configure(project, concurrency="1")
    land(project, "change", *(f"look-{n}" for n in range(3)), "nowhere")
    land(project, "look-after")

    project.ok("work", "--once")

    found = done(project)
    for name in ("look-0", "look-1", "look-2", "look-after"):
        assert json.loads(found[name]) == {
            "is_here": True,
            "is_empty": True,
            "umask": 0o77,
            "environment": [False, True],
            "handler": True,
            "alarm": 0,
            "mask": 0,
            "precision": 28,
            "timeout": None,
            "recursion": True,
            "prints": True,
            "handlers": 1,
            "enabled": True,
        }
    assert_intact(project, "change", "nowhere")


def test_what_a_processor_says_is_bounded_and_forges_nothing(project: Pipeline) -> None:
    configure(project, timeout='"20s"')
    land(project, *HEALTHY[:10], "flood", "garbage", *HEALTHY[10:])

    ended = project.run("work", "--once", "--log-format", "json", "--log-level", "warning")

    assert ended.returncode == 0
    records = [json.loads(line) for line in ended.stderr.splitlines()]
    assert "100 MB are out" in [record["message"] for record in records]
    assert all(len(line) < 10_000 for line in ended.stderr.splitlines())
    assert b"\x1b" not in ended.stderr
    assert not [record for record in records if record["level"].upper() == "ERROR"]
    assert_intact(project, "flood", "garbage", *HEALTHY)


def test_what_a_processor_printed_before_it_died_is_counted_and_not_repeated(project: Pipeline) -> None:
    land(project, "blab")

    ended = project.run("work", "--once", "--log-level", "debug")

    assert ended.returncode == 3
    assert b"it printed 23 bytes, not repeated here" in ended.stderr
    assert b"DE8937" not in ended.stderr
    assert "DE8937" not in errors(project)["blab"]


def test_no_process_that_a_processor_began_outlives_its_child(project: Pipeline) -> None:
    land(project, "daemon", "doubly", "forgetful", "twice", *HEALTHY)

    project.ok("work", "--once")

    assert [pid for pid in daemons(project) if is_running(pid)] == []
    assert project.rows("SELECT count(*) FROM done WHERE name = 'twice'") == [(1,)]
    assert_intact(project, "daemon", "doubly", "forgetful", *HEALTHY)


def test_a_daemon_is_ended_while_its_worker_goes_on(project: Pipeline) -> None:
    land(project, "daemon", "doubly")
    worker = project.start("work")
    try:
        wait_until((project.root / "daemons").exists, "there is a daemon")
        wait_until(lambda: len(done(project)) == 2, "both are done")

        wait_until(lambda: not any(map(is_running, daemons(project))), "the daemons are gone")
        land(project, "fine-later")
        wait_until(lambda: "fine-later" in done(project), "it goes on")
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=PATIENCE)

    assert worker.returncode == 0


def test_what_the_processors_of_a_killed_worker_left_is_found_by_the_next(project: Pipeline) -> None:
    configure(project, timeout='"50s"')
    land(project, "doubly", "slow")
    worker = project.start("work")
    wait_until((project.root / "daemons").exists, "there is a daemon")
    wait_until((project.root / "started").exists, "another file runs")
    os.kill(worker.pid, signal.SIGSTOP)  # it cannot sweep up itself any more
    worker.kill()
    worker.communicate()
    (project.root / "go").touch()

    project.run("work", "--once")

    assert [pid for pid in daemons(project) if is_running(pid)] == []
    assert_intact(project)


def test_one_that_kills_its_worker_each_time_is_dead_in_the_end_and_holds_nobody_up(
    project: Pipeline,
) -> None:
    configure(project, max_crashes="2", max_attempts="5")
    land(project, "parent", *HEALTHY)

    codes: list[int] = []
    while project.rows("SELECT 1 FROM deliveries") or not codes:
        codes.append(project.run("work", "--once", "--wait-retries").returncode)
        assert len(codes) < 6

    assert codes[:2] == [-signal.SIGKILL] * 2
    assert errors(project) == {"parent": "its worker died while it ran"}
    assert_intact(project, *HEALTHY)


def test_a_processor_that_breaks_modules_or_attacks_the_store_harms_no_other_file(project: Pipeline) -> None:
    configure(project, max_attempts="3", max_crashes="3", concurrency="1")
    land(project, *HEALTHY[:5], "patched", "store", *HEALTHY[5:])

    project.run("work", "--once", "--wait-retries")

    assert "an event is a fact" in errors(project)["store"]
    assert_intact(project, *HEALTHY)
    assert project.rows("SELECT count(*) FROM events") == [(22,)]


def test_a_processor_that_does_not_let_sigterm_through_stops_with_the_others(project: Pipeline) -> None:
    configure(project, timeout='"50s"', concurrency="1")
    land(project, "deaf", *HEALTHY)
    worker = project.start("work", "-c", "1")
    wait_until((project.root / "started").exists, "it runs")

    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: project.rows("SELECT 1 FROM workers WHERE state = 'stopping'") != [], "it is stopping")
    (project.root / "go").touch()
    worker.communicate(timeout=PATIENCE)

    assert worker.returncode == 0
    assert "deaf" in done(project)
    assert project.rows("SELECT count(*) FROM lanes WHERE state = 'leased'") == [(0,)]
    assert project.rows("SELECT count(*) FROM attempts") == [(0,)]
