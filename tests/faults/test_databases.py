"""A database that is replaced, damaged or restored: processes stop with a message, nothing is guessed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline, payments_file, pipeline, wait_until
from tests.faults.clocks import WallClock
from tests.faults.disks import problems, running
from tests.faults.faulty import Fault, faulty
from tests.patience import PATIENCE
from tests.store.backends import only_on

NOTICED = 6  # reads after which a worker that sees a commit has seen it, and looks what is due
LARGE = payments_file(*(f"L-{n}" for n in range(2000)))  # an object of the archive


@pytest.fixture
def project(tmp_path: Path) -> Pipeline:
    """One file has landed."""
    made = pipeline(tmp_path / "p")
    made.drop("a.csv", payments_file("P-1"))
    made.ok("watch", "--once")
    return made


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """How the command ended by itself, and what it said."""
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err.decode()


@pytest.mark.parametrize("command", ["watch", "work"])
@only_on("sqlite", "a database on a server is no file that could be replaced")
def test_an_idle_process_stops_when_its_database_is_replaced(project: Pipeline, command: str) -> None:
    config = project.root / "ingest.toml"
    config.write_text(config.read_text().replace('lease = "30s"', 'lease = "3s"'))
    process = project.start(command)
    wait_until(lambda: process.pid in project.live(), "it is up")

    copy = project.database.with_name("copy")
    shutil.copy(project.database, copy)
    copy.rename(project.database)

    code, said = ended(process)
    assert code == 65, said
    assert "replaced or deleted" in said
    assert "Traceback" not in said


@only_on("sqlite", "the pages of a database on a server are not ours")
def test_a_damaged_page_is_refused_at_the_start_with_the_way_out(project: Pipeline) -> None:
    size = project.database.stat().st_size
    with project.database.open("r+b") as file:
        for page in range(4096, size, 4096):
            file.seek(page)
            file.write(bytes([0xFF] * 16))
    before = project.database.read_bytes()

    done = project.run("work", "--once")

    assert done.returncode == 65
    assert b"restore the newest backup" in done.stderr
    assert project.database.read_bytes() == before


@only_on("sqlite", "the pages of a database on a server are not ours")
def test_a_disk_that_fails_to_read_once_is_not_taken_for_a_damaged_database(project: Pipeline) -> None:
    with faulty(project.root, Fault(at=40, how="EIO", calls="pread")) as met:
        done = met.run("watch", "--once")

    assert done.returncode == 73, done.stderr
    assert b"restore" not in done.stderr


@pytest.mark.timeout(300)
@only_on("sqlite", "the pages of a database on a server are not ours")
def test_what_became_due_when_a_read_failed_is_worked_off_once_the_disk_can_be_read(
    project: Pipeline,
) -> None:
    config = project.root / "ingest.toml"
    config.write_text(config.read_text().replace('lease = "30s"', 'lease = "10m"'))  # no beat comes to help
    log = project.root / "work.log"
    with faulty(project.root, Fault(at=2**40, how="EIO", calls="pread")) as met:
        met.heal()
        with running(project, "work", **met.env()):
            wait_until(lambda: project.rows("SELECT count(*) FROM outcomes") == [(2,)], "it is worked off")
            project.ok("processors", "pause", "payments")
            project.drop("b.csv", payments_file("P-2"))
            project.ok("watch", "--once")
            met.relapse_after(NOTICED)
            project.ok("processors", "resume", "payments")
            wait_until(lambda: "trying again" in log.read_text(), "it is told")
            wait_until(lambda: project.rows("SELECT count(*) FROM outcomes") == [(4,)], "so is what came")

    project.assert_worked_off()


@only_on("sqlite", "a server syncs its own files")
def test_bytes_and_names_reach_the_disk_before_the_commit_and_the_source_goes_last(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    config = project.root / "ingest.toml"
    config.write_text(config.read_text().replace('path = "inbox"', 'path = "inbox"\nafter = "delete"'))
    project.drop("large.csv", LARGE)

    with faulty(project.root, Fault()) as met:
        assert met.run("watch", "--once").returncode == 0
        made = met.made()

    def last(name: str, part: str, before: int) -> int:
        return max(n for n, (call, path) in enumerate(made[:before]) if call == name and part in path)

    named = last("rename", ".ingest/archive/sha256/", len(made))
    whole = last("fsync", ".ingest/archive/tmp/", named)
    shard = next(
        n for n, call in enumerate(made) if n > named and call == ("fsync", str(Path(made[named][1]).parent))
    )
    gone = last("unlink", "inbox/", len(made))
    committed = last("fsync", "ingest.db-wal", gone)
    assert whole < named < shard < committed < gone


def orphans(project: Pipeline, clock: WallClock) -> list[str]:
    """The objects without an event, as they are named at that time."""
    command = [sys.executable, "-m", "ingest", "archive", "verify", "--json"]
    env = os.environ | clock.env()
    done = subprocess.run(command, cwd=project.root, env=env, check=True, stdout=subprocess.PIPE)
    named: list[str] = json.loads(done.stdout)["orphans"]
    return named


@only_on("sqlite", "a file is restored by copying it")
def test_a_restored_backup_lands_again_what_is_there_and_names_what_is_not(
    project: Pipeline, tmp_path: Path
) -> None:
    clock = WallClock(tmp_path / "clock")
    backup = project.root / "backup.db"
    shutil.copy(project.database, backup)
    project.drop("kept.csv", payments_file("P-2"))
    project.drop("gone.csv", LARGE)
    project.ok("watch", "--once")
    ids = project.rows("SELECT event_id FROM sightings WHERE path = CAST('kept.csv' AS BLOB)")
    (project.inbox / "gone.csv").unlink()

    shutil.copy(backup, project.database)
    project.ok("watch", "--once")
    [lost] = project.archive.glob("sha256/*/*")
    young = orphans(project, clock)
    clock.step(timedelta(minutes=2))
    found = orphans(project, clock)

    again = project.rows("SELECT event_id FROM sightings WHERE path = CAST('kept.csv' AS BLOB)")
    assert again == ids, "the same event, by the same id"
    assert project.rows("SELECT count(*) FROM landings") == [(2,)]
    assert young == [], "what is younger than a minute may be about to land"
    assert found == [lost.name]


@only_on("sqlite", "a database on a server is no file that could be read")
def test_a_store_that_others_may_read_is_warned_of(project: Pipeline) -> None:
    quiet = project.run("watch", "--once")
    project.database.chmod(0o644)
    project.archive.mkdir(exist_ok=True)
    project.archive.chmod(0o755)

    loud = [project.run(command, "--once") for command in ("watch", "work")]

    assert b"can be read by others" not in quiet.stderr
    for done in loud:
        assert done.returncode == 0
        assert done.stderr.count(b"can be read by others") == 2


def test_a_lock_file_that_is_cleaned_away_costs_a_name_and_nothing_else(project: Pipeline) -> None:
    with running(project, "work") as process:
        wait_until(lambda: project.rows("SELECT 1 FROM payments") != [], "it is booked")
        shutil.rmtree(project.root / ".ingest" / "workers")
        project.drop("b.csv", payments_file("P-2"))
        project.ok("watch", "--once")
        wait_until(lambda: project.rows("SELECT count(*) FROM payments") == [(2,)], "work goes on")
        wait_until(lambda: problems(project) == [], "all is well")
        wait_until(lambda: project.rows("SELECT count(*) FROM deliveries") == [(0,)], "all has ended")
        assert process.poll() is None

    project.assert_worked_off()


def test_a_process_that_is_out_of_files_waits_and_goes_on(project: Pipeline) -> None:
    with faulty(
        project.root, Fault(at=1, how="EMFILE", calls="open,create", is_lasting=True, below=project.archive)
    ) as met:
        process = met.start("watch")
        wait_until(lambda: process.pid in project.live(), "it is up")
        project.drop("large.csv", LARGE)
        wait_until(lambda: met.calls() > 0, "the fault is met")
        met.heal()
        wait_until(lambda: project.rows("SELECT count(*) FROM landings") == [(2,)], "it has landed after all")
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)

    assert code == 0, said
