"""Processes beside each other on one store: they race, they wait, and they mix nothing they are told."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from ingest.store.sqlite.driver import sqlite_module
from tests.crash.pipeline import CONFIG, Pipeline, children, payments_file, pipeline, wait_until
from tests.patience import PATIENCE

pytestmark = pytest.mark.timeout(300)  # many processes; how fast depends on who shares the machine
CHILD = "ingest.work.child"
SLOW = """\
import time
from pathlib import Path

from ingest import Context, FileLanded, processor, table

DONE = table("done", name=str)
HERE = Path(__file__).parent.parent


@processor(accepts=FileLanded, version="1")
def slow(event: FileLanded, ctx: Context) -> None:
    (HERE / "started").touch()
    while not (HERE / "go").exists():
        time.sleep(0.01)
    ctx.insert(DONE, {"name": event.name})
"""


NOTED = """\
from pathlib import Path

from processors.payments import payments
from processors.ledger import ledger

with Path(__file__).with_name("imports").open("a") as file:
    file.write("!")
"""
NOTED_CONFIG = CONFIG.replace('"payments:', '"noted:').replace('"ledger:', '"noted:')


@pytest.fixture
def project(tmp_path: Path) -> Pipeline:
    """A payments file has landed and is due; whoever imports its processors leaves word."""
    made = pipeline(tmp_path / "p", NOTED_CONFIG)
    (made.root / "processors").mkdir()
    (made.root / "processors" / "noted.py").write_text(NOTED)
    made.drop("1.csv", payments_file("P-1", "P-2"))
    made.ok("watch", "--once")
    return made


def test_of_eight_workers_that_race_for_one_event_one_books_it_and_none_complains(project: Pipeline) -> None:
    with ExitStack() as running:
        with write_lock_of(project):
            racing = [running.enter_context(started(project, "work", "--once")) for _ in range(8)]
            wait_until(lambda: are_at_the_lock(project, racing), "all want to begin")
        ended = [process.communicate(timeout=PATIENCE) for process in racing]

    project.ok("work", "--once")
    assert {process.returncode for process in racing} <= {0, 75}
    assert [err for _, err in ended if err] == []
    assert project.rows("SELECT count(*) FROM payments") == [(2,)]
    assert project.rows("SELECT count(*) FROM attempts") == [(0,)]
    project.assert_worked_off()
    project.assert_sound()


def test_of_two_workers_with_other_settings_that_start_at_once_one_is_refused(project: Pipeline) -> None:
    other = project.root / "other.toml"
    config = (project.root / "ingest.toml").read_text("utf-8")
    other.write_text(config.replace("max_crashes = 20", "max_crashes = 21"))
    files = ("ingest.toml", "other.toml")

    with ExitStack() as running:
        with write_lock_of(project):
            both = [running.enter_context(started(project, "work", "-C", file)) for file in files]
            wait_until(lambda: are_at_the_lock(project, both), "both want to begin")
        wait_until(lambda: any(process.poll() is not None for process in both), "one is refused")
        wait_until(lambda: project.rows("SELECT count(*) FROM payments") == [(2,)], "the other one works")
        [refused] = [process for process in both if process.poll() is not None]
        [working] = [process for process in both if process.poll() is None]
        working.send_signal(signal.SIGTERM)
        _, said = refused.communicate(timeout=PATIENCE)
        working.communicate(timeout=PATIENCE)

    assert working.returncode == 0
    assert refused.returncode == 2
    assert b"works this store with other settings" in said
    [(settings,)] = project.rows("SELECT settings FROM subscriptions WHERE processor = 'payments'")
    assert f'"max_crashes": {20 + both.index(working)}' in settings, "what is refused has changed nothing"
    project.assert_sound()


def test_while_a_process_is_suspended_with_the_write_lock_the_others_wait_and_then_go_on(
    project: Pipeline,
) -> None:
    if project.is_on_server:
        pytest.skip("a server has no one write lock")
    with ExitStack() as running:
        holder = project.start(
            "work", "--once", kill=f"c_call executemany 2 {CHILD}", mark="held", by=signal.SIGSTOP
        )
        running.enter_context(ended_with_the_block(holder))
        wait_until(lambda: project.was_killed("held") and is_locked(project), "the lock is held")
        project.drop("2.csv", payments_file("P-3"))
        others = [
            running.enter_context(started(project, *args))
            for args in (("watch", "--once"), ("work", "--once"))
        ]
        wait_until(lambda: len(lock_files(project)) == 3, "others want to write")
        assert [process.poll() for process in (holder, *others)] == [None] * 3

        for pid in children(holder.pid):
            os.kill(pid, signal.SIGCONT)
        for process in (holder, *others):
            process.communicate(timeout=PATIENCE)

    codes = [process.returncode for process in (holder, *others)]
    assert codes[1] == 0
    assert set(codes) <= {0, 75}
    project.heal()
    assert project.rows("SELECT count(*) FROM payments") == [(3,)]
    assert project.rows("SELECT count(*) FROM attempts") == [(0,)], "waiting costs nothing"
    project.assert_worked_off()
    project.assert_sound()


@pytest.mark.parametrize("command", ["watch", "work"])
def test_a_signal_while_the_store_is_being_closed_leaves_no_trace(tmp_path: Path, command: str) -> None:
    project = pipeline(tmp_path / "p")
    project.drop("a.csv", payments_file("P-1"))
    closing = f"call _close_connection 1 {command}"

    with ended_with_the_block(project.start(command, "--once", kill=closing, by=signal.SIGINT)) as process:
        _, said = process.communicate(timeout=PATIENCE)

    assert project.was_killed()
    assert (process.returncode, b"Traceback" in said) == (0, False), said


def test_a_second_signal_ends_work_at_once_and_what_ran_is_run_by_the_next(tmp_path: Path) -> None:
    head = CONFIG.partition("[[processor]]")[0].replace(
        "[[source]]", 'shutdown_timeout = "10m"\n\n[[source]]'
    )
    project = pipeline(tmp_path / "p", f'{head}[[processor]]\nname = "slow"\nuse = "slow:slow"\n')
    (project.root / "processors").mkdir()
    (project.root / "processors" / "slow.py").write_text(SLOW)
    project.drop("a", b"a")
    project.ok("watch", "--once")
    with started(project, "work") as worker:
        wait_until((project.root / "started").exists, "it runs")
        began = children(worker.pid)

        worker.send_signal(signal.SIGTERM)
        wait_until(
            lambda: project.rows("SELECT 1 FROM workers WHERE state = 'stopping'") != [], "it is stopping"
        )
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=PATIENCE)

    assert worker.returncode == 128 + signal.SIGTERM
    assert [pid for pid in began if Path(f"/proc/{pid}").exists()] == []
    (project.root / "go").touch()
    project.ok("work", "--once")
    assert project.rows("SELECT name FROM done") == [("a",)]
    assert project.rows("SELECT count(*) FROM attempts") == [(0,)], "a stop costs nothing"
    project.assert_sound()


def test_a_worker_that_has_nothing_to_do_beats_in_time_for_a_short_lease(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p", CONFIG.replace('lease = "30s"', 'lease = "1s"'))
    beats: list[int] = []

    def have_come() -> bool:
        beats.extend(at for (at,) in project.rows("SELECT beat_at FROM workers") if at not in beats)
        return len(beats) > 8

    with started(project, "work") as worker:
        wait_until(lambda: worker.pid in project.live(), "it is up")
        wait_until(have_come, "it beats")

    pauses = sorted(later - former for former, later in pairwise(beats[2:]))
    assert pauses[len(pauses) // 2] < 600_000, "microseconds; a third of the lease is 333"


@contextmanager
def started(project: Pipeline, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command runs, until the block ends at the latest."""
    with ended_with_the_block(project.start(*args)) as process:
        yield process


@contextmanager
def ended_with_the_block(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        process.kill()
        with suppress(ValueError):  # it has been listened to, to its end
            process.communicate()


@contextmanager
def write_lock_of(project: Pipeline) -> Iterator[None]:
    """Nobody else writes within the block; on a server, nobody begins to work."""
    if project.is_on_server:
        with psycopg.connect(project.url) as holding:
            holding.execute("SELECT pg_advisory_xact_lock(1768843109, 3)")
            yield
        return
    connection = sqlite_module().connect(project.database)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def is_locked(project: Pipeline) -> bool:
    connection: sqlite3.Connection = sqlite_module().connect(project.database, timeout=0)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite_module().OperationalError:
        return True
    finally:
        connection.close()
    return False


def lock_files(project: Pipeline) -> Sequence[Path]:
    """Of those who live: each is made before its owner writes for the first time."""
    return sorted((project.root / ".ingest" / "workers").glob("*.lock"))


def are_at_the_lock(project: Pipeline, workers: Sequence[subprocess.Popen[bytes]]) -> bool:
    """True when each of them knows its processors: the next thing it does is to write."""
    imports = project.root / "processors" / "imports"
    is_known = imports.exists() and len(imports.read_text()) == len(workers)
    return is_known and not any(children(worker.pid) for worker in workers)
