"""A source that cannot even be looked at, behind a locked folder or on a dead mount, stops no other."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.config import SourceSettings
from ingest.filesystems import filesystem_of, is_remote, room_trouble
from tests.watch.mounts import unmount
from tests.watch.place import Place, as_nobody, until
from tests.watch.test_refusals import yield_to_nobody

STATES = "SELECT name, state, mode FROM sources ORDER BY name"


@contextmanager
def dead_mount(place: Path) -> Iterator[Path]:
    """A FUSE filesystem whose process was killed is mounted at `place` while the block runs."""
    if shutil.which("bindfs") is None or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("there is no bindfs, or no /dev/fuse")
    behind = place.with_name("behind")
    behind.mkdir()
    place.mkdir()
    process = subprocess.Popen(["bindfs", "-f", str(behind), str(place)])
    try:
        until(lambda: place.is_mount() or process.poll() is not None)
        if process.poll() is not None:
            pytest.skip("bindfs may not mount here")
        process.kill()
        process.wait()
        yield place
    finally:
        process.kill()
        process.wait()
        unmount(place)


def with_other(place: Place, path: Path, **changes: str) -> None:
    """The pipeline has a second source, at this path."""
    first = replace(place.settings.sources[0], rescan=timedelta(seconds=0.2))
    other = SourceSettings(name="other", path=path, **changes)  # type: ignore[arg-type]  # words only
    place.settings = replace(place.settings, sources=(other, first))


@pytest.mark.parametrize("after", ["keep", "delete"])
def test_a_source_below_a_folder_that_may_not_be_entered_stops_no_other(place: Place, after: str) -> None:
    place.once()  # everything is imported before rights are given up
    locked = place.root / "locked"
    (locked / "in").mkdir(parents=True)
    place.drop("a.csv")
    with_other(place, locked / "in", after=after)
    yield_to_nobody(place)
    locked.chmod(0)

    with as_nobody():
        summary = place.once()

    assert (summary.landed, summary.failed) == (1, 1)
    assert [row[:2] for row in place.rows(STATES)] == [("acme", "ok"), ("other", "unavailable")]


@pytest.mark.parametrize("after", ["keep", "delete"])
def test_a_source_on_a_dead_mount_stops_no_other_and_is_polled(place: Place, after: str) -> None:
    with dead_mount(place.root / "dead") as dead:
        place.drop("a.csv")
        with_other(place, dead / "in", after=after)  # what is known of the root is remembered for a moment

        with place.watching():
            until(lambda: place.landed() == [(b"a.csv", 1)])
            until(lambda: ("other", "unavailable", "poll") in place.rows(STATES))


def test_what_is_on_a_dead_mount_is_known_by_its_place_and_said_in_words(tmp_path: Path) -> None:
    with dead_mount(tmp_path / "dead") as dead:
        assert is_remote(filesystem_of(dead / "in"))
        assert "cannot be read" in room_trouble(dead / "in")
