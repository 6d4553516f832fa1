"""A replay that is killed while it is filled or worked goes on, applies everything once, and counts right."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.crash.pipeline import TWO_CHILDREN, Pipeline, payments_file, pipeline

CHILD = "ingest.work.child"
ARROWS = [
    ("c_call commit 3 work", "rerun"),  # the supervisor, about to commit a window
    ("c_return commit 4 work", "shadow"),  # and once it has
    (f"c_call commit 1 {CHILD}", "rerun"),  # claimed, about to commit
    (f"c_return commit 2 {CHILD}", "shadow"),  # settled
    (f"c_call executemany 3 {CHILD}", "rerun"),  # inside the transaction that settles
    (f"c_call executemany 3 {CHILD}", "shadow"),
    (f"c_call fromisoformat 3 {CHILD}", "rerun"),  # while the processor runs
]
STANDS = (
    "SELECT payment_id, amount, event_id FROM payments ORDER BY 1",
    "SELECT id, position, hash FROM events ORDER BY 2",
    "SELECT generation_id, position, state, digest FROM outcomes WHERE generation_id <= 2 ORDER BY 1, 2",
    "SELECT key FROM effects ORDER BY 1",
)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Six files of two accounts, landed and worked; their source files are gone."""
    project = pipeline(tmp_path_factory.mktemp("worked") / "p", TWO_CHILDREN)
    for n in range(6):
        project.drop(f"{n}.csv", payments_file(f"P-{n}-1", f"P-{n}-2", account=f"ACC-{n % 2}"))
    project.ok("watch", "--once")
    project.ok("work", "--once")
    for path in project.inbox.iterdir():
        path.unlink()
    return project


@pytest.fixture
def project(tmp_path: Path, worked: Pipeline) -> Pipeline:
    return worked.copy(tmp_path / "p")


def replays(project: Pipeline) -> list[dict[str, Any]]:
    return [json.loads(line) for line in project.ok("replays", "list", "--json").splitlines()]


def assert_through(project: Pipeline, before: list[list[tuple[Any, ...]]], modes: int = 1) -> None:
    """Every replay is done, its counts add up, and what stands is what stood."""
    found = replays(project)
    assert len(found) == 2 * modes
    for replay in found:
        assert replay["state"] == "done"
        assert replay["done"] == replay["total"] == replay["unchanged"] > 0
    assert [project.rows(query) for query in STANDS] == before
    project.assert_worked_off()
    project.assert_sound()


@pytest.mark.parametrize(("arrow", "mode"), ARROWS)
def test_a_killed_replay_goes_on_and_nothing_is_doubled(project: Pipeline, arrow: str, mode: str) -> None:
    before = [project.rows(query) for query in STANDS]
    project.ok("replay", "--mode", mode, "--yes")

    project.run("work", "--once", "--wait-retries", kill=arrow)
    was_killed = project.was_killed()
    project.work_off()

    assert was_killed or "commit" in arrow or "executemany" in arrow, "the fault happened"
    assert_through(project, before)


def test_workers_that_fill_and_work_at_once_do_each_event_once(project: Pipeline) -> None:
    before = [project.rows(query) for query in STANDS]
    for mode in ("rerun", "shadow"):
        project.ok("replay", "--mode", mode, "--yes")

    workers = [threading.Thread(target=project.run, args=("work", "--once", "-c", "1")) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    project.work_off()

    assert_through(project, before, modes=2)
