"""The server goes away, is killed, and comes back, while files are dropped: nothing is lost or done twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from tests import server
from tests.crash.fleet import Fleet
from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline_at, wait_until
from tests.patience import PATIENCE
from tests.server import Server

ROUNDS = 6
MOST_CONNECTIONS = 4  # of a process: one to read, one to write, one to hear hints, one to spare
FLEET = ["watch"] * 2 + ["work"] * 2
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ingest' AND datname = 'pipeline'"


@pytest.fixture
def own() -> Iterator[Server]:
    """A server of the test's own, that keeps what it confirmed."""
    one = server.new()
    one.start()
    one.run("CREATE DATABASE pipeline")
    yield one
    one.stop(signal.SIGQUIT)


@pytest.fixture
def project(own: Server, tmp_path: Path) -> Pipeline:
    create_or_upgrade(own.url("pipeline"), tmp_path)
    return pipeline_at(own.url("pipeline"), tmp_path / "p", CONFIG.replace('lease = "30s"', 'lease = "3s"'))


def booked(project: Pipeline) -> set[str]:
    if not project.has_table("payments"):
        return set()
    return {row[0] for row in project.rows("SELECT payment_id FROM payments")}


def test_a_command_says_which_server_does_not_answer(own: Server, project: Pipeline) -> None:
    own.stop()

    for command in (("status",), ("events", "list"), ("watch", "--once"), ("work", "--once")):
        done = project.run(*command)

        assert done.returncode == 69, (command, done.stderr)
        assert b"the database pipeline at" in done.stderr
        assert b"does not answer" in done.stderr
        assert b"Traceback" not in done.stderr


def test_who_runs_waits_for_a_server_that_is_away_and_goes_on(own: Server, project: Pipeline) -> None:
    running = [project.start("watch"), project.start("work")]
    project.drop("a.csv", payments_file("P-1"))
    wait_until(lambda: booked(project) == {"P-1"}, "the first file is booked")

    own.stop(signal.SIGQUIT)
    project.drop("b.csv", payments_file("P-2"))
    wait_until(lambda: project.run("status").returncode == 69, "the server is missed")
    own.start()

    wait_until(lambda: booked(project) == {"P-1", "P-2"}, "the second file is booked")
    assert len(own.run(BACKENDS)) <= 3 * MOST_CONNECTIONS, "three processes, and none leaks connections"
    for process in running:
        process.send_signal(signal.SIGTERM)
    ended = [process.communicate(timeout=PATIENCE) for process in running]
    assert [process.returncode for process in running] == [0, 0], ended
    assert all(b"does not answer" in said or b"well again" in said for _, said in ended), ended
    project.heal()
    project.assert_worked_off()
    project.assert_sound()


def test_who_runs_ends_when_a_server_without_the_last_commits_takes_over(
    own: Server, project: Pipeline
) -> None:
    own.stop()
    shutil.copytree(own.directory / "data", own.directory / "standby", copy_function=shutil.copy2)
    own.start()
    project.configure(CONFIG.replace('lease = "30s"', 'lease = "10m"'))  # no beat looks in time
    running = [project.start("watch"), project.start("work")]
    project.drop("a.csv", payments_file("P-1"))
    wait_until(lambda: booked(project) == {"P-1"}, "the first file is booked")

    own.stop(signal.SIGQUIT)
    own.promote("standby")
    own.start()

    ended = [process.communicate(timeout=PATIENCE) for process in running]
    assert [process.returncode for process in running] == [65, 65], ended
    assert all(b"the server has lost events: its log ends at position 0" in said for _, said in ended), ended
    assert project.run("status").returncode == 65, "whoever starts later is told too"


def test_a_processor_is_charged_nothing_for_a_server_that_is_away(own: Server, project: Pipeline) -> None:
    for n in range(20):
        project.drop(f"{n}.csv", payments_file(f"P-{n}"))
    project.ok("watch", "--once")
    working = project.start("work")
    wait_until(lambda: len(booked(project)) > 0, "it has begun")
    own.stop(signal.SIGQUIT)
    own.start()
    wait_until(lambda: len(booked(project)) == 20, "all is booked")
    working.send_signal(signal.SIGTERM)
    working.communicate(timeout=PATIENCE)
    project.heal()

    assert project.rows("SELECT count(*) FROM attempts WHERE ended = 'failed'") == [(0,)]
    project.assert_worked_off()


def test_a_file_is_charged_nothing_for_connections_that_were_lost_before_it_came(
    own: Server, project: Pipeline
) -> None:
    project.ok("watch", "--once")
    with project.start("work") as working:
        for n in range(2):
            project.drop(f"{n}.csv", payments_file(f"P-{n}"))
            project.ok("watch", "--once")
            wait_until(lambda: len(booked(project)) == n + 1, "it is booked")  # noqa: B023  # asked at once
            own.stop(signal.SIGQUIT)
            own.start()
        project.drop("last.csv", payments_file("P-last"))
        project.ok("watch", "--once")
        wait_until(lambda: len(booked(project)) == 3, "it is booked, too")
        working.send_signal(signal.SIGTERM)
        _, said = working.communicate(timeout=PATIENCE)

    assert [line for line in said.splitlines() if b"a child was lost" in line] == [], "none was damaged"
    assert project.rows("SELECT ended, error FROM attempts") == []


def test_who_is_suspended_within_a_transaction_holds_up_nobody(project: Pipeline) -> None:
    project.drop("a.csv", payments_file("P-1"))
    project.ok("watch", "--once")
    project.drop("b.csv", payments_file("P-2"))
    suspended = [
        project.start("watch", kill="return land 1 watch", mark="lands", by=signal.SIGSTOP),
        project.start("work", kill="return beat 1 work", mark="beats", by=signal.SIGSTOP),
    ]
    for mark in ("lands", "beats"):
        wait_until(lambda: project.was_killed(mark), "it is suspended")  # noqa: B023  # asked at once

    with open_store(project.url, project.root / ".ingest") as store, store.removing():
        project.heal()
        with store.write() as tx:
            assert store.is_removing(tx), "this one is not ended from outside: what it removes may land again"

    assert booked(project) == {"P-1", "P-2"}
    for process in suspended:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    project.assert_worked_off()
    project.assert_sound()


def hurt(own: Server, chance: random.Random) -> None:
    """The server is shut down at once and started again, or one of its backends is killed."""
    if chance.random() < 0.5:
        own.stop(signal.SIGQUIT)
        own.start()
        return
    backends = [pid for (pid,) in own.run(BACKENDS)]
    if backends:
        os.kill(chance.choice(backends), signal.SIGKILL)
        gone = [Path(f"/proc/{pid}") for pid in backends]  # all of them: only then has the server noticed
        wait_until(lambda: not any(path.exists() for path in gone), "the server starts over")
        own.answers_again()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [20261126])
def test_whatever_is_killed_every_invariant_stands(own: Server, project: Pipeline, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    fleet = Fleet(project, FLEET)
    contents: dict[str, bytes] = {}
    expected: set[str] = set()

    for round_ in range(ROUNDS):
        for n in range(15):
            ids = [f"P-{round_}-{n}-{k}" for k in range(3)]
            contents[f"{round_}-{n}.csv"] = payments_file(*ids, account=f"ACC-{n % 3}")
            expected.update(ids)
            project.drop(f"{round_}-{n}.csv", contents[f"{round_}-{n}.csv"])
        for name in chance.sample(sorted(contents), 3):
            project.drop(name, contents[name])  # sent again
        if round_ % 2:
            hurt(own, chance)
        else:
            fleet.kill_one(chance)
        time.sleep(chance.uniform(0.1, 0.8))  # the fleet works for a moment: the kills fall anywhere
    wait_until(fleet.are_up, "every process is up")
    codes = fleet.stop()
    project.heal()

    assert codes == [0] * len(FLEET), "each stops cleanly when asked"
    assert booked(project) == expected
    landed = project.rows("SELECT count(*) FROM events WHERE type = 'ingest.file.landed.v1'")
    assert landed == [(len(contents),)], "a file that is sent again is no new event"
    project.assert_worked_off()
    project.assert_sound()
