"""A disk that is full: loud, unhealthy, nothing lost, and well again by itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.crash.pipeline import CONFIG, children, payments_file, pipeline, wait_until
from tests.faults.disks import fill, problems, remount, running, small_disk
from tests.store.backends import only_on

LARGE = payments_file(*(f"L-{n}" for n in range(2000)))  # an object of the archive


@only_on("sqlite", "the disk is the store's")
def test_a_full_store_is_unhealthy_and_everything_goes_on_when_space_returns(tmp_path: Path) -> None:
    root = tmp_path / "p"
    with small_disk(root / ".ingest", "8m") as disk:
        project = pipeline(root, CONFIG.replace("[work]", '[store]\narchive = "archive"\n\n[work]'))
        (root / "archive").mkdir(0o700)
        with running(project, "watch"), running(project, "work"):
            filler = fill(disk)
            project.drop("a.csv", payments_file("P-1"))
            wait_until(lambda: "again" in (root / "watch.log").read_text(), "the watcher complains")
            said = problems(project)
            landed = project.rows("SELECT count(*) FROM landings")
            filler.unlink()
            wait_until(lambda: project.rows("SELECT 1 FROM ledger_postings") != [], "it is booked after all")
            wait_until(lambda: project.rows("SELECT count(*) FROM deliveries") == [(0,)], "all has drained")

        assert landed == [(0,)], "nothing was acknowledged meanwhile"
        assert any("full" in problem for problem in said)
        assert any(problem.startswith("watcher") for problem in said)
        assert (root / "watch.log").read_text().count("trying again") < 10, "not a hot loop"
        project.assert_worked_off()


def test_a_full_archive_is_unhealthy_at_once_and_leaves_the_inbox_alone(tmp_path: Path) -> None:
    root = tmp_path / "p"
    with small_disk(tmp_path / "disk", "2m") as disk:
        config = CONFIG.replace("[work]", f'[store]\narchive = "{disk}/archive"\n\n[work]')
        project = pipeline(root, config.replace('rescan = "1s"', 'rescan = "1h"'))
        (disk / "archive").mkdir(0o700)
        with running(project, "watch"):
            filler = fill(disk)
            project.drop("large.csv", LARGE)
            wait_until(
                lambda: any("source acme is degraded" in problem for problem in problems(project)),
                "the source is unhealthy",
            )
            left = list((disk / "archive").glob("tmp/*"))
            dropped = (project.inbox / "large.csv").read_bytes()
            filler.unlink()
            wait_until(lambda: project.rows("SELECT 1 FROM landings") != [], "it has landed after all")

        assert left == []
        assert dropped == LARGE
        assert (root / "watch.log").read_text().count("cannot write the archive") < 10


@only_on("sqlite", "the disk is the store's")
def test_a_worker_that_was_taken_for_dead_waits_for_space_to_go_on_under_a_new_name(tmp_path: Path) -> None:
    root = tmp_path / "p"
    with small_disk(root / ".ingest", "8m") as disk:
        project = pipeline(root, CONFIG)
        with running(project, "work") as worker:
            (lock,) = (disk / "workers").glob("worker-*.lock")
            wait_until(lambda: len(children(worker.pid)) > 0, "it has a child")
            filler = fill(disk)
            lock.unlink()  # who finds no lock takes its owner for dead
            for child in children(worker.pid):
                os.kill(child, signal.SIGKILL)
            wait_until(lambda: "trying again" in (root / "work.log").read_text(), "it waits")
            filler.unlink()
            wait_until(lambda: list((disk / "workers").glob("worker-*.lock")) != [], "it has a new name")
            project.drop("a.csv", payments_file("P-1"))
            project.ok("watch", "--once")
            wait_until(lambda: project.rows("SELECT 1 FROM ledger_postings") != [], "it is booked")


def test_a_full_temporary_directory_charges_no_file(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    project.drop("large.csv", payments_file(*(f"L-{n}" for n in range(20_000))))
    project.ok("watch", "--once")
    with small_disk(tmp_path / "tmp", "256k") as tmp:
        with running(project, "work", TMPDIR=str(tmp)):
            wait_until(
                lambda: any("temporary file" in problem for problem in problems(project)), "it is told"
            )
            charged = project.rows("SELECT sum(attempts + crashes) FROM deliveries")
            remount(tmp, "size=64m")
            wait_until(lambda: project.rows("SELECT count(*) FROM payments") == [(20_000,)], "it is booked")

        assert charged == [(0,)]
        assert project.rows("SELECT count(*) FROM attempts") == [(0,)]


def test_an_archive_that_is_not_mounted_charges_no_file_and_is_not_made_anew(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    project.drop("large.csv", LARGE)
    project.ok("watch", "--once")
    away = project.archive.rename(tmp_path / "away")
    project.archive.mkdir(0o700)  # the place of the mount

    with running(project, "work"), running(project, "watch"):
        wait_until(lambda: any("archive" in problem for problem in problems(project)), "it is told")
        project.drop("other.csv", payments_file(*(f"M-{n}" for n in range(2000))))
        wait_until(lambda: "with all its objects" in (project.root / "watch.log").read_text(), "refused")
        made = list(project.archive.iterdir())
        project.archive.rmdir()
        away.rename(project.archive)
        wait_until(lambda: project.rows("SELECT count(*) FROM ledger_postings") == [(8000,)], "all is booked")
        wait_until(lambda: project.rows("SELECT count(*) FROM deliveries") == [(0,)], "all has drained")

    assert made == []
    assert project.rows("SELECT count(*) FROM attempts") == [(0,)]
    project.assert_worked_off()
    project.assert_sound()
