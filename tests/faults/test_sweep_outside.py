"""A file leaves its source, or a receiver outside is told of it, with a fault at any file-system call."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline
from tests.crash.receiver import NOTIFY, receiving
from tests.faults.sweeping import FAULTS, IS_WHOLE, PARTS, TIMEOUT, fault_named, struck, within
from tests.watch.mounts import tmpfs

FILES = {
    "small.csv": payments_file("P-1", "P-2"),
    "large.csv": payments_file(*(f"L-{n}" for n in range(2000))),
}
# About where files leave, and where a delivery is worked off, of all calls of a run; others sweep the rest.
LEAVING = range(150, 260)
TELLING = range(90, 300)

pytestmark = TIMEOUT
parts = pytest.mark.parametrize("part", PARTS)
faults = pytest.mark.parametrize("fault", FAULTS if IS_WHOLE else ["any"])
# Where the directory above the project counts too, the interpreter itself looks there before it runs us.
below_both = pytest.mark.parametrize(
    "fault", [name for name in FAULTS if "looking" not in name] if IS_WHOLE else ["any"]
)


def dropped(root: Path, after: str) -> Pipeline:
    """Files that are to leave once they have landed."""
    project = pipeline(root, CONFIG.replace('rescan = "1s"', f'after = "{after}"\nrescan = "1s"'))
    for name, data in FILES.items():
        project.drop(name, data)
    return project


def assert_left(project: Pipeline, done: Path | None) -> None:
    """Every file has landed once and left, and lies whole where it was to go, if it was to go anywhere."""
    landed = project.rows("SELECT path, version FROM landings ORDER BY path")
    assert landed == [(b"large.csv", 1), (b"small.csv", 1)], project
    assert list(project.inbox.iterdir()) == [], project
    found = {} if done is None else {file.name: file.read_bytes() for file in done.iterdir()}
    assert found == ({} if done is None else FILES), project
    assert project.rows("SELECT count(*) FROM departures WHERE ended_at IS NULL") == [(0,)], project
    project.assert_sound()


@parts
@faults
@pytest.mark.parametrize("after", ["delete", "move:done"])
def test_a_file_that_leaves_survives_a_fault_at_any_call(
    tmp_path: Path, after: str, fault: str, part: int
) -> None:
    original = dropped(tmp_path / "original", after)

    met = fault_named(fault)
    for project in struck(tmp_path, original, met, within(part, LEAVING, met), "watch", "--once"):
        project.ok("watch", "--once")

        assert_left(project, None if after == "delete" else project.root / "done")


@parts
@below_both
def test_a_file_that_leaves_for_another_filesystem_survives_a_fault_at_any_call(
    tmp_path: Path, fault: str, part: int
) -> None:
    met = replace(fault_named(fault), below=tmp_path)
    with tmpfs(tmp_path / "elsewhere", size="4m") as elsewhere:
        done = elsewhere / "done"
        original = dropped(tmp_path / "original", f"move:{done}")

        for project in struck(tmp_path, original, met, within(part, LEAVING, met), "watch", "--once"):
            project.ok("watch", "--once")

            assert_left(project, done)
            shutil.rmtree(done)


@parts
@faults
def test_a_receiver_is_told_under_one_key_whatever_call_a_fault_meets(
    tmp_path: Path, fault: str, part: int
) -> None:
    with receiving() as seen:
        alone = CONFIG.partition("[[processor]]")[0] + NOTIFY.replace("URL", seen.url)
        original = pipeline(tmp_path / "original", alone)
        original.drop("a.csv", payments_file("P-1"))
        original.ok("watch", "--once")
        work = ("work", "--once", "--wait-retries", "-c", "1")

        met = fault_named(fault)
        for project in struck(tmp_path, original, met, within(part, TELLING, met), *work):
            project.ok("work", "--once", "--wait-retries")

            seen.assert_once({row[0] for row in project.rows("SELECT id FROM events")})
            seen.requests.clear()
            made = project.rows("SELECT made_at IS NOT NULL FROM calls")
            assert made == [(1,)], project
            assert project.rows("SELECT count(*) FROM effects") == [(1,)], project
            left = "SELECT (SELECT count(*) FROM deliveries), (SELECT count(*) FROM dead)"
            assert project.rows(left) == [(0, 0)], project
            project.assert_sound()
