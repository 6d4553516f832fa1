"""Whoever is killed before it is listed, or after it signed off, leaves nothing behind for long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline, payments_file, pipeline

ARROWS = [
    ("watch", "c_return flock 1 watch"),  # present, and not listed yet
    ("work", "c_return flock 1 work"),
    ("watch", "c_call unlink 1 watch"),  # signed off, and its file still there
    ("work", "c_call unlink 2 work"),  # the first is of the interpreter, which tries out TMPDIR
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    made = pipeline(tmp_path / "p")
    made.drop("1.csv", payments_file("P-1"))
    return made


@pytest.mark.parametrize(("command", "arrow"), ARROWS)
def test_the_next_worker_clears_up_after_one_that_was_killed_unlisted(
    project: Pipeline, command: str, arrow: str
) -> None:
    project.run(command, "--once", kill=arrow)
    was_killed = project.was_killed()

    project.heal()

    assert was_killed
    assert list((project.database.parent / "workers").iterdir()) == []
    assert list((project.root.parent / "tmp").iterdir()) == []


def test_what_a_taker_that_was_killed_left_undone_is_done_by_the_next(project: Pipeline) -> None:
    project.ok("watch", "--once")
    project.run("work", "--once", kill="c_call commit 2 ingest.work.child", mark="child")
    project.run("work", "--once", kill="c_return flock 1 work")  # it dies listed or not, its files stay
    project.run("work", "--once", kill="c_call unlink 1 work", mark="taker")
    was_killed = project.was_killed("taker")

    project.heal()

    assert was_killed
    assert list((project.database.parent / "workers").iterdir()) == []
    assert list((project.root.parent / "tmp").iterdir()) == []
