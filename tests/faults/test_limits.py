"""No quota, no processes: waited out like a full disk, told, and no file dropped."""

from __future__ import annotations

from pathlib import Path

from tests.crash.pipeline import Pipeline, payments_file, pipeline, wait_until
from tests.faults.disks import problems, running
from tests.faults.faulty import Fault, faulty, shim
from tests.store.backends import only_on

LARGE = payments_file(*(f"L-{n}" for n in range(2000)))  # an object of the archive
FORK = Path(__file__).parent / "fork.c"


@only_on("sqlite", "the quota is of the disk that holds the store")
def test_a_quota_that_is_used_up_is_waited_out_and_nothing_is_dropped(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    quota = Fault(
        at=1,
        how="EDQUOT",
        calls="create,write,pwrite,allocate,mkdir",
        is_lasting=True,
        below=project.root / ".ingest",
    )
    with faulty(project.root, quota) as met:
        met.heal()
        with running(project, "watch", **met.env()):
            project.drop("a.csv", payments_file("P-1"))
            wait_until(lambda: landed(project) == 1, "it has landed")
            met.relapse()
            project.drop("b.csv", payments_file("P-2"))
            project.drop("large.csv", LARGE)
            wait_until(lambda: "trying again" in (project.root / "watch.log").read_text(), "it is told")
            meanwhile, left = landed(project), (project.inbox / "large.csv").read_bytes()
            met.heal()
            wait_until(lambda: landed(project) == 3, "all have landed after all")

    assert (meanwhile, left) == (1, LARGE)
    assert (project.root / "watch.log").read_text().count("trying again") < 10, "not a hot loop"
    project.heal()
    project.assert_worked_off()
    project.assert_sound()


def test_a_system_without_room_for_processes_is_waited_out_and_charges_no_file(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    refused = tmp_path / "refused"
    refused.touch()
    project.drop("a.csv", payments_file("P-1"))
    project.ok("watch", "--once")
    with running(project, "work", LD_PRELOAD=str(shim(FORK)), FORK_REFUSED=str(refused)):
        wait_until(
            lambda: any("cannot start a work process" in problem for problem in problems(project)),
            "it is told",
        )
        refused.unlink()
        wait_until(lambda: project.rows("SELECT count(*) FROM outcomes") == [(2,)], "it is booked")
        wait_until(lambda: problems(project) == [], "all is well")

    assert project.rows("SELECT count(*) FROM ledger_postings") == [(2,)]
    assert project.rows("SELECT count(*) FROM attempts") == [(0,)]
    project.assert_worked_off()


def landed(project: Pipeline) -> int:
    return int(project.rows("SELECT count(*) FROM landings")[0][0])
