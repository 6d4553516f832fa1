"""A program that runs while a newer version migrates its store writes nothing more, and says so."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from ingest.store.dialect import enter_migration
from ingest.store.opening import connected
from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline, wait_until
from tests.patience import PATIENCE


def upgrade_to_a_newer_schema(project: Pipeline) -> None:
    """What the migration of a later release does: it changes the schema and says where it stands."""
    with connected(project.url, project.root / ".ingest") as store, store.write() as tx:
        enter_migration(tx)
        tx.exec_driver_sql("ALTER TABLE outcomes ADD COLUMN of_a_later_release TEXT")
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")


def is_posted(project: Pipeline) -> bool:
    """True once a payment has gone through both processors."""
    done = project.rows("SELECT count(*) FROM outcomes WHERE state = 'done'")
    return done == [(2,)]


@pytest.mark.parametrize("command", ["watch", "work"])
def test_a_running_program_writes_nothing_into_a_store_that_was_upgraded(
    tmp_path: Path, command: str
) -> None:
    project = pipeline(tmp_path / "p", CONFIG.replace('lease = "30s"', 'lease = "3s"'))
    project.drop("first.csv", payments_file("P-1"))
    project.ok("watch", "--once")
    process = project.start(command)
    if command == "work":  # its children have the store open too
        wait_until(lambda: is_posted(project), "it works")
    wait_until(lambda: len(project.live()) == 1, "it is up")

    upgrade_to_a_newer_schema(project)
    before = project.rows("SELECT count(*), max(beat_at) FROM events, workers")
    project.drop("second.csv", payments_file("P-2"))
    _, said = process.communicate(timeout=PATIENCE)

    assert process.returncode == 65
    assert b"newer than this ingest" in said
    assert project.rows("SELECT count(*), max(beat_at) FROM events, workers") == before


def test_a_table_that_a_processor_brings_stops_nobody(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    watcher = project.start("watch")
    wait_until(lambda: len(project.live()) == 1, "it is up")

    project.ok("work", "--once")  # its processors' tables are made: the schema moves, its version does not
    project.drop("first.csv", payments_file("P-1"))

    wait_until(lambda: project.rows("SELECT count(*) FROM landings") == [(1,)], "it lands all the same")
    watcher.send_signal(signal.SIGTERM)
    watcher.communicate(timeout=PATIENCE)
    assert watcher.returncode == 0
