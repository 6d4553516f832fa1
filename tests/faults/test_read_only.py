"""A disk that became read-only: loud, unhealthy, nothing lost, and well again by itself."""

from __future__ import annotations

from pathlib import Path

from tests.crash.pipeline import CONFIG, payments_file, pipeline, wait_until
from tests.faults.disks import fail, failing_disk, mend, problems, remount, running, small_disk
from tests.faults.faulty import Fault, faulty
from tests.store.backends import only_on

LARGE = payments_file(*(f"L-{n}" for n in range(2000)))  # an object of the archive


@only_on("sqlite", "the disk is the store's")
def test_a_disk_that_the_kernel_made_read_only_is_told_and_both_end_cleanly_on_it(tmp_path: Path) -> None:
    root = tmp_path / "p"
    with failing_disk(root / ".ingest") as disk:
        project = pipeline(root, CONFIG.replace('lease = "30s"', 'lease = "3s"'))
        project.drop("a.csv", payments_file("P-1"))
        with running(project, "watch"), running(project, "work"):
            wait_until(lambda: project.rows("SELECT 1 FROM ledger_postings") != [], "it is booked")
            fail(disk)
            project.drop("b.csv", payments_file("P-2"))
            project.drop("large.csv", LARGE)
            wait_until(lambda: "trying again" in (root / "watch.log").read_text(), "the watcher complains")
            wait_until(lambda: "trying again" in (root / "work.log").read_text(), "the worker complains")
            said = problems(project)
            landed = project.rows("SELECT count(*) FROM landings")
        refused = project.run("watch", "--once")
        mend(disk)
        project.heal()

        assert landed == [(1,)], "nothing was acknowledged meanwhile"
        assert any("refuses to be written: Read-only file system" in problem for problem in said)
        assert refused.returncode == 73
        assert b"Read-only file system" in refused.stderr
        for log in ("watch.log", "work.log"):
            assert "Traceback" not in (root / log).read_text()
        assert project.rows("SELECT count(*) FROM payments") == [(2002,)]
        assert project.rows("SELECT count(*) FROM attempts") == [(0,)], "no file was charged"
        project.assert_worked_off()
        project.assert_sound()


@only_on("sqlite", "the disk is the store's")
def test_watch_and_work_go_on_by_themselves_when_their_store_can_be_written_again(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p", CONFIG.replace('lease = "30s"', 'lease = "3s"'))
    read_only = Fault(
        at=1,
        how="EROFS",
        calls="create,write,pwrite,truncate,allocate,rename,unlink,mkdir",
        is_lasting=True,
        below=project.root / ".ingest",
    )
    with faulty(project.root, read_only) as met:
        met.heal()
        env = met.env()
        with running(project, "watch", **env), running(project, "work", **env):
            project.drop("a.csv", payments_file("P-1"))
            wait_until(lambda: project.rows("SELECT 1 FROM ledger_postings") != [], "it is booked")
            met.relapse()
            project.drop("b.csv", payments_file("P-2"))
            project.drop("large.csv", LARGE)
            wait_until(lambda: len([p for p in problems(project) if "stale" in p]) == 2, "both are unhealthy")
            landed = project.rows("SELECT count(*) FROM landings")
            met.heal()
            wait_until(lambda: project.rows("SELECT count(*) FROM payments") == [(2002,)], "all is booked")
            wait_until(lambda: problems(project) == [], "all is well")
            wait_until(lambda: project.rows("SELECT count(*) FROM deliveries") == [(0,)], "all has drained")

    assert landed == [(1,)], "nothing was acknowledged meanwhile"
    for log in ("watch.log", "work.log"):
        assert "trying again" in (project.root / log).read_text()
        assert "Traceback" not in (project.root / log).read_text()
    project.assert_worked_off()
    project.assert_sound()


def test_an_archive_that_was_remounted_read_only_leaves_the_inbox_alone(tmp_path: Path) -> None:
    root = tmp_path / "p"
    with small_disk(tmp_path / "disk", "8m") as disk:
        config = CONFIG.replace("[work]", f'[store]\narchive = "{disk}/archive"\n\n[work]')
        project = pipeline(root, config)
        (disk / "archive").mkdir(0o700)
        with running(project, "watch"), running(project, "work"):
            remount(disk, "ro")
            project.drop("large.csv", LARGE)
            project.drop("small.csv", payments_file("P-1"))
            wait_until(
                lambda: any("source acme is degraded" in problem for problem in problems(project)),
                "the source is unhealthy",
            )
            said = problems(project)
            wait_until(
                lambda: project.rows("SELECT 1 FROM payments") != [], "what is small lands and is booked"
            )
            left = (project.inbox / "large.csv").read_bytes()
            remount(disk, "rw")
            wait_until(lambda: project.rows("SELECT count(*) FROM payments") == [(2001,)], "all is booked")
            wait_until(lambda: problems(project) == [], "all is well")

    assert any("mounted read-only" in problem for problem in said)
    assert left == LARGE
    assert "cannot" in (root / "watch.log").read_text()


@only_on("sqlite", "the disk is the store's")
def test_a_command_that_begins_on_a_read_only_store_says_so_and_changes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "p"
    with small_disk(root / ".ingest", "8m") as disk:
        project = pipeline(root)
        project.drop("a.csv", payments_file("P-1"))
        remount(disk, "ro")

        refused = [project.run(*args) for args in (("watch",), ("work",), ("status", "--check"))]

        remount(disk, "rw")
        project.heal()
        assert [done.returncode for done in refused] == [73, 73, 73]
        assert all(b"mounted read-only" in done.stderr for done in refused)
        project.assert_worked_off()
