"""A worker, or one of its children, that is killed at any arrow of the working step books everything once."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.crash.pipeline import TWO_CHILDREN, Pipeline, payments_file, pipeline, wait_until
from tests.patience import PATIENCE

CHILD = "ingest.work.child"
ARROWS = [
    *(f"c_call commit {n} {CHILD}" for n in range(1, 4)),  # claimed or settled, about to commit
    *(f"c_return commit {n} {CHILD}" for n in range(1, 4)),  # committed
    f"c_call executemany 2 {CHILD}",  # inside the transaction that books
    f"c_call executemany 6 {CHILD}",
    f"c_call fromisoformat 3 {CHILD}",  # while a processor reads its rows
    *(f"c_call commit {n} work" for n in range(1, 3)),  # the supervisor itself
    "c_return commit 2 work",
]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Six files of two accounts, landed and not yet worked."""
    project = pipeline(tmp_path_factory.mktemp("landed") / "p", TWO_CHILDREN)
    for n in range(6):
        project.drop(f"{n}.csv", payments_file(f"P-{n}-1", f"P-{n}-2", account=f"ACC-{n % 2}"))
    project.ok("watch", "--once")
    return project


@pytest.mark.parametrize("arrow", ARROWS)
def test_killed_worker_books_everything_once(tmp_path: Path, landed: Pipeline, arrow: str) -> None:
    project = landed.copy(tmp_path / "p")

    project.run("work", "--once", "--wait-retries", kill=arrow)
    was_killed = project.was_killed()
    project.work_off()

    assert was_killed or "commit" in arrow, "the fault happened (a run may have fewer commits)"
    assert project.rows("SELECT count(*) FROM payments") == [(12,)]
    assert project.rows("SELECT count(*) FROM ledger_postings") == [(24,)]
    project.assert_worked_off()
    project.assert_sound()


@pytest.mark.parametrize(("module", "count"), [(CHILD, 8), ("ingest.work.declare", 2)])
def test_whoever_kills_every_child_as_it_starts_ends_no_worker(
    tmp_path: Path, landed: Pipeline, module: str, count: int
) -> None:
    project = landed.copy(tmp_path / "p")
    killed = set[int]()

    def kill_children() -> bool:
        for task in Path(f"/proc/{worker.pid}/task").iterdir():
            for pid in map(int, (task / "children").read_text().split()):
                with suppress(ProcessLookupError, FileNotFoundError):
                    if module in Path(f"/proc/{pid}/cmdline").read_text():
                        os.kill(pid, signal.SIGKILL)
                        killed.add(pid)
        return len(killed) >= count or worker.poll() is not None

    with worker_of(project) as worker:
        wait_until(kill_children, "as many as wanted are killed")
        wait_until(lambda: project.has_table("payments"), "there is a table")
        wait_until(lambda: project.rows("SELECT count(*) FROM payments") == [(12,)], "all is booked")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=PATIENCE) == 0
    project.assert_sound()


@contextmanager
def worker_of(project: Pipeline) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the project, ended at the latest with the block."""
    worker = project.start("work")
    try:
        yield worker
    finally:
        worker.kill()
        worker.communicate()
