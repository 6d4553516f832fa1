"""`watch`, `work` and `run`: their summaries, their exit codes, and how they stop."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.project import GOOD, SETTINGS, Ingest, configure, running, spawned, until, write
from tests.patience import PATIENCE

WATCHED = {"v", "landed", "redelivered", "suppressed", "refused", "ignored", "waiting", "failed", "seconds"}
WORKED = {"v", "done", "dead", "retried", "crashed", "superseded", "seconds"}
STUBBORN = """
from ingest import FileLanded, processor

@processor(accepts=FileLanded, version="1")
def stubborn(event, ctx):
    raise RuntimeError("not now")
"""


def test_watching_once_says_what_came_of_it(empty: Path) -> None:
    (empty / "inbox" / "good.csv").write_text(GOOD)

    said = spawned("watch", "--once", "--json", cwd=empty)

    assert said.code == 0
    assert set(said.json()) == WATCHED
    assert (said.json()["landed"], said.json()["refused"]) == (1, 0)
    assert spawned("watch", "--once", cwd=empty).out.startswith("landed 0, ")


def test_watching_once_exits_3_when_something_was_refused(empty: Path, ingest: Ingest) -> None:
    (empty / "inbox" / "link").symlink_to("/etc/passwd")

    assert ingest("watch", "--once").code == 3
    assert ingest("watch", "--once", "--source", "elsewhere").code in (2, 4)
    assert ingest("watch", "--once", "--mode", "loud").code == 2


def test_what_is_still_written_to_is_reported_as_waiting(empty: Path, ingest: Ingest) -> None:
    with (empty / "inbox" / "open.csv").open("w") as file:
        file.write("half")
        file.flush()

        said = ingest("watch", "--once", "--json")

    assert (said.json()["landed"], said.json()["waiting"]) == (0, 1)


def test_working_once_says_what_came_of_it(empty: Path) -> None:
    (empty / "inbox" / "good.csv").write_text(GOOD)
    spawned("watch", "--once", cwd=empty)

    said = spawned("work", "--once", "--json", cwd=empty)

    assert said.code == 0
    assert set(said.json()) == WORKED
    assert said.json()["done"] == 4


def test_running_once_says_what_came_of_both(empty: Path) -> None:
    (empty / "inbox" / "good.csv").write_text(GOOD)

    said = spawned("run", "--once", "--json", cwd=empty)

    assert said.code == 0
    watched, worked = map(json.loads, said.out.splitlines())
    assert (watched["v"], watched["landed"], worked["v"], worked["done"]) == (1, 1, 1, 4)


def test_working_once_exits_75_when_retries_are_left(tmp_path: Path) -> None:
    settings = SETTINGS.partition("[[processor]]")[0] + (
        '[[processor]]\nname = "stubborn"\nuse = "stubborn:stubborn"\n'
        'max_attempts = 2\nbackoff = { base = "1h", cap = "1h" }\n'
    )
    write(tmp_path, settings, {"good.csv": GOOD})
    (tmp_path / "processors").mkdir()
    (tmp_path / "processors" / "stubborn.py").write_text(STUBBORN)
    spawned("watch", "--once", cwd=tmp_path)

    said = spawned("work", "--once", "--json", cwd=tmp_path)

    assert said.code == 75
    assert said.json()["retried"] == 1
    [processor] = spawned("status", "--json", cwd=tmp_path).json()["processors"]
    assert (processor["retrying"], processor["waiting"]) == (1, 0)
    [event] = spawned("events", "list", "--json", cwd=tmp_path).lines()
    assert event["deliveries"] == {"stubborn": "retrying"}


@pytest.mark.parametrize(
    ("command", "signum"),
    [
        ("watch", signal.SIGTERM),
        ("watch", signal.SIGINT),
        ("work", signal.SIGTERM),
        ("work", signal.SIGHUP),
        ("run", signal.SIGTERM),
        ("run", signal.SIGINT),
    ],
)
def test_one_signal_is_answered_with_a_clean_end(
    command: str, signum: int, worked: Path, ingest: Ingest
) -> None:
    with running(command, cwd=worked) as process:
        _until_up(ingest, command)
        process.send_signal(signum)
        out = process.communicate(timeout=PATIENCE)[0]

    status = ingest("status", "--json").json()
    assert (process.returncode, out) == (0, "")
    assert status["watchers"] == status["workers"] == []


def test_running_lands_and_processes_what_arrives(worked: Path, ingest: Ingest) -> None:
    with running("run", cwd=worked) as process:
        _until_up(ingest, "run")
        (worked / "inbox" / "more.csv").write_text(GOOD.replace("P-", "Q-"))
        until(lambda: ingest("status", "--json").json()["processors"][0]["done"] == 6)
        process.terminate()
        process.wait()

    assert process.returncode == 0


@pytest.mark.parametrize("kind", ["watchers", "workers"])
def test_what_dies_is_started_again(kind: str, worked: Path, ingest: Ingest) -> None:
    with running("run", cwd=worked) as process:
        _until_up(ingest, "run")
        [first] = _pids(ingest, kind)
        os.kill(first, signal.SIGKILL)

        until(lambda: [pid for pid in _pids(ingest, kind) if pid != first])
        process.terminate()
        process.wait()

    assert process.returncode == 0


def test_nothing_is_left_behind_when_run_is_killed(worked: Path, ingest: Ingest) -> None:
    with running("run", cwd=worked) as process:
        _until_up(ingest, "run")
        pids = [*_pids(ingest, "watchers"), *_pids(ingest, "workers")]
        process.kill()

    until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and _is_alive(pid) for pid in pids))


def test_run_leaves_at_once_where_starting_again_would_not_help(worked: Path) -> None:
    configure(worked, SETTINGS.replace("payments:payments", "payments:none"))

    said = spawned("run", cwd=worked)
    configure(worked, SETTINGS)
    unknown = spawned("run", "--source", "elsewhere", cwd=worked)

    assert (said.code, unknown.code) == (2, 4)


def _until_up(ingest: Ingest, command: str) -> None:
    def is_up() -> bool:
        status = ingest("status", "--json").json()
        is_watching = command == "work" or any(s["state"] == "ok" for s in status["sources"])
        return is_watching and (command == "watch" or bool(status["workers"]))

    until(is_up)


def _pids(ingest: Ingest, kind: str) -> list[int]:
    return [each["pid"] for each in ingest("status", "--json").json()[kind] if each["state"] != "stale"]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
