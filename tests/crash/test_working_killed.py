"""A worker, or one of its children, that is killed at any arrow of the working step books everything once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.pipeline import payments_file, pipeline

CHILD = "ingest.work.child"
ARROWS = [
    *(f"c_call commit {n} {CHILD}" for n in range(1, 5)),  # claimed or settled, about to commit
    *(f"c_return commit {n} {CHILD}" for n in range(1, 5)),  # committed
    f"c_call executemany 2 {CHILD}",  # inside the transaction that books
    f"c_call executemany 6 {CHILD}",
    f"c_call sha256 2 {CHILD}",  # while a processor runs
    *(f"c_call commit {n} work" for n in range(1, 4)),  # the supervisor itself
    *(f"c_return commit {n} work" for n in range(1, 4)),
]


@pytest.mark.parametrize("arrow", ARROWS)
def test_killed_worker_books_everything_once(tmp_path: Path, arrow: str) -> None:
    project = pipeline(tmp_path / "p")
    for n in range(6):
        project.drop(f"{n}.csv", payments_file(f"P-{n}-1", f"P-{n}-2", account=f"ACC-{n % 2}"))
    project.ok("watch", "--once")

    project.run("work", "--once", "--wait-retries", kill=arrow)
    project.heal()

    assert project.rows("SELECT count(*) FROM payments") == [(12,)]
    assert project.rows("SELECT count(*) FROM ledger_postings") == [(24,)]
    assert project.rows("SELECT count(*) FROM dead") == [(0,)]
    project.assert_sound()
