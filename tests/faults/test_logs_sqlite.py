"""The write-ahead log beside the database: it may grow, and somebody may take it away."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline, wait_until
from tests.faults.disks import problems, running
from tests.patience import PATIENCE
from tests.store.backends import only_on

pytestmark = only_on("sqlite", "a server keeps its own log")

LARGEST_INLINE = 64 << 10
KEPT = 32 << 20  # bytes of the log that are left standing


@pytest.fixture
def project(tmp_path: Path) -> Pipeline:
    """One file has landed and is booked."""
    made = pipeline(tmp_path / "p", CONFIG.replace('lease = "30s"', 'lease = "3s"'))
    made.drop("a.csv", payments_file("P-1"))
    made.heal()
    return made


def log_of(project: Pipeline) -> Path:
    return project.database.with_name("ingest.db-wal")


def test_a_reader_that_stays_is_told_and_when_it_leaves_the_log_is_short_again(project: Pipeline) -> None:
    with running(project, "watch", "--quiet", "0"):
        with project.sql() as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM events").fetchone()
            for n in range(1200):
                project.drop(f"{n}.bin", n.to_bytes(4, "big") * (LARGEST_INLINE // 4))
            wait_until(lambda: project.rows("SELECT count(*) FROM landings") == [(1201,)], "all have landed")
            said, length = problems(project), log_of(project).stat().st_size
            seen = reader.execute("SELECT count(*) FROM landings").fetchone()
        project.drop("b.csv", payments_file("P-2"))
        wait_until(lambda: log_of(project).stat().st_size <= KEPT, "the log is short again")

    assert length > KEPT
    assert [problem for problem in said if "a reader has not ended" in problem]
    assert seen == (1,), "the reader sees what it saw"


@pytest.mark.parametrize("command", ["watch", "work"])
def test_a_process_whose_log_was_taken_away_stops_and_nothing_is_lost(
    project: Pipeline, command: str
) -> None:
    process = project.start(command)
    wait_until(lambda: process.pid in project.live(), "it is up")

    log_of(project).unlink()

    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 65, said
    assert b"log of the database" in said
    assert b"Traceback" not in said
    project.drop("b.csv", payments_file("P-2"))
    project.heal()
    assert project.rows("SELECT count(*) FROM payments") == [(2,)]
    project.assert_worked_off()
    project.assert_sound()


def test_the_index_of_the_log_is_made_anew(project: Pipeline) -> None:
    _die_with_a_log(project)
    project.database.with_name("ingest.db-shm").unlink()

    project.heal()

    assert project.rows("SELECT count(*) FROM payments") == [(2,)]
    project.assert_worked_off()
    project.assert_sound()


def test_what_only_a_deleted_log_knew_is_as_after_an_older_backup_and_kept_files_land_again(
    project: Pipeline,
) -> None:
    _die_with_a_log(project)
    ids = project.rows("SELECT event_id FROM sightings ORDER BY path")
    log_of(project).unlink()
    assert project.rows("SELECT count(*) FROM landings") == [(1,)], "what only the log knew is lost"

    project.heal()

    assert project.rows("SELECT event_id FROM sightings ORDER BY path") == ids, "the same events by their ids"
    assert project.rows("SELECT count(*) FROM payments") == [(2,)]
    project.assert_worked_off()
    project.assert_sound()


def _die_with_a_log(project: Pipeline) -> None:
    """A second file has landed, and that is known to the log alone: the watcher was killed."""
    process = project.start("watch")
    wait_until(lambda: process.pid in project.live(), "it is up")
    project.drop("b.csv", payments_file("P-2"))
    wait_until(lambda: project.rows("SELECT count(*) FROM landings") == [(2,)], "it has landed")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert log_of(project).stat().st_size > 0
