"""A watcher that is killed at any arrow of the landing step loses nothing and doubles nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.pipeline import payments_file, pipeline

SMALL = payments_file("P-1", "P-2")
LARGE = payments_file(*(f"L-{n}" for n in range(2000)))  # above inline_max: an object in the archive

ARROWS = [
    "c_call fsync 1",  # the copy is in archive/tmp, not yet safe
    "c_return fsync 1",  # safe, not yet under its digest
    "c_call rename 1",
    "c_return rename 1",  # under its digest, the directory not yet safe
    "c_return fsync 2",
    *(f"c_call commit {n}" for n in range(1, 6)),  # each transaction of a landing: about to commit,
    *(f"c_return commit {n}" for n in range(1, 6)),  # and committed
    "c_call executemany 1",  # inside the landing transaction
    "c_call executemany 3",
    "c_call executemany 5",
]


@pytest.mark.parametrize("arrow", ARROWS)
def test_killed_watcher_loses_and_doubles_nothing(tmp_path: Path, arrow: str) -> None:
    project = pipeline(tmp_path / "p")
    project.drop("small.csv", SMALL)
    project.drop("large.csv", LARGE)

    project.run("watch", "--once", kill=arrow)
    project.heal()

    landed = project.rows("SELECT count(*) FROM events WHERE type = 'ingest.file.landed.v1'")
    assert landed == [(2,)]
    assert project.rows("SELECT count(*) FROM payments") == [(2002,)]
    project.assert_sound()
