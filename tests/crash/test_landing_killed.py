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
    "c_return rename 1",  # under its digest, the directory not yet safe
    "c_return fsync 2",
    *(f"c_call commit {n}" for n in range(2, 5)),  # each transaction of a run: about to commit,
    *(f"c_return commit {n}" for n in range(2, 5)),  # and committed
    "c_call executemany 1",  # inside the landing transaction
    "c_call executemany 4",
]


@pytest.mark.parametrize("arrow", ARROWS)
def test_killed_watcher_loses_and_doubles_nothing(tmp_path: Path, arrow: str) -> None:
    project = pipeline(tmp_path / "p")
    project.drop("small.csv", SMALL)
    project.drop("large.csv", LARGE)

    project.run("watch", "--once", kill=arrow)
    was_killed = project.was_killed()
    project.ok("watch", "--once")

    assert was_killed or "commit" in arrow, "the fault happened (a run may have fewer commits)"
    paths = project.rows("SELECT path, version FROM landings ORDER BY path")
    assert paths == [(b"large.csv", 1), (b"small.csv", 1)]
    assert project.rows("SELECT count(*) FROM events WHERE type = 'ingest.file.landed.v1'") == [(2,)]
    project.assert_sound()
