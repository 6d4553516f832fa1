"""A worker, or one of its children, that is killed at any arrow of the working step books everything once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline, payments_file, pipeline

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
    project = pipeline(tmp_path_factory.mktemp("landed") / "p")
    for n in range(6):
        project.drop(f"{n}.csv", payments_file(f"P-{n}-1", f"P-{n}-2", account=f"ACC-{n % 2}"))
    project.ok("watch", "--once")
    return project


@pytest.mark.parametrize("arrow", ARROWS)
def test_killed_worker_books_everything_once(tmp_path: Path, landed: Pipeline, arrow: str) -> None:
    project = Pipeline(tmp_path / "p")
    shutil.copytree(landed.root, project.root)

    project.run("work", "--once", "--wait-retries", kill=arrow)
    was_killed = project.was_killed()
    project.ok("work", "--once", "--wait-retries")

    assert was_killed or "commit" in arrow, "the fault happened (a run may have fewer commits)"
    assert project.rows("SELECT count(*) FROM payments") == [(12,)]
    assert project.rows("SELECT count(*) FROM ledger_postings") == [(24,)]
    project.assert_worked_off()
    project.assert_sound()
