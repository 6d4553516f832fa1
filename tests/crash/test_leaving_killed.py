"""A watcher killed at any step of a file's leaving loses nothing, doubles nothing, leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline
from tests.watch.mounts import tmpfs

FILES = {
    "small.csv": payments_file("P-1", "P-2"),
    "again.csv": payments_file("P-3"),
    "large.csv": payments_file(*(f"L-{n}" for n in range(2000))),
}
DELETING = [
    "call after_landing 1",  # committed, and nothing else
    "c_call rename 2",  # about to be hidden (the first rename is that of the object)
    "c_return rename 3",  # hidden
    "call take_out 1",  # checked
    "return take_out 2",  # gone from the source
    "c_call commit 4",  # the store about to be told
]
MOVING = ["c_return rename 2", "return take_out 1", "return take_out 3"]
COPYING = [
    "c_call ftruncate 3",
    "return _fill 2",  # copied, under a name of its own
    "return _workpiece 2",
    "call _drop 1",  # the copy is safe, the file still there
    "return _drop 3",
]


def left_of(project: Pipeline, done: Path | None) -> dict[str, bytes]:
    """What lies where files are moved to."""
    return {} if done is None else {path.name: path.read_bytes() for path in done.iterdir()}


def kill_and_heal(root: Path, after: str, step: str, done: Path | None) -> None:
    project = pipeline(root, CONFIG.replace('rescan = "1s"', f'rescan = "1s"\nafter = "{after}"'))
    for name, data in FILES.items():
        project.drop(name, data)

    project.run("watch", "--once", kill=step)
    was_killed = project.was_killed()
    project.ok("watch", "--once")

    assert was_killed or "commit" in step, "the fault happened (a run may have fewer commits)"
    paths = project.rows("SELECT path, version FROM landings ORDER BY path")
    assert paths == [(b"again.csv", 1), (b"large.csv", 1), (b"small.csv", 1)]
    assert list(project.inbox.iterdir()) == []
    assert left_of(project, done) == ({} if done is None else FILES)
    assert project.rows("SELECT count(*) FROM departures WHERE ended_at IS NULL") == [(0,)]
    project.assert_sound()


@pytest.mark.parametrize("step", DELETING)
def test_killed_while_files_are_deleted(tmp_path: Path, step: str) -> None:
    kill_and_heal(tmp_path / "p", "delete", step, None)


@pytest.mark.parametrize("step", MOVING)
def test_killed_while_files_are_moved(tmp_path: Path, step: str) -> None:
    kill_and_heal(tmp_path / "p", "move:done", step, tmp_path / "p" / "done")


@pytest.mark.parametrize("step", COPYING)
def test_killed_while_files_are_moved_to_another_filesystem(tmp_path: Path, step: str) -> None:
    with tmpfs(tmp_path / "elsewhere", size="4m") as elsewhere:
        kill_and_heal(tmp_path / "p", f"move:{elsewhere / 'done'}", step, elsewhere / "done")
