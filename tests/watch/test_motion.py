"""Files in motion: replaced, moved, kept open, seen by several watchers; each lands whole and once."""

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

from tests.crash.pipeline import CONFIG, pipeline, wait_until
from tests.patience import PATIENCE
from tests.watch.mounts import tmpfs, unmount
from tests.watch.place import LARGE, Place, until

OFTEN = timedelta(seconds=0.2)


def contents_of(place: Place) -> list[bytes]:
    """The bytes of every landing, in the order in which they landed."""
    found = []
    for (digest,) in place.rows("SELECT sha256 FROM landings ORDER BY position"):
        with place.archive.open(digest) as file:
            found.append(file.read())
    return found


def test_a_file_overwritten_before_it_is_taken_lands_as_it_is_then(place: Place) -> None:
    place.set(quiet=timedelta(seconds=0.5))
    place.drop("a.csv", b"old")
    with place.watching():
        until(lambda: place.rows("SELECT state FROM sources WHERE last_scan_at > 0") == [("ok",)])
        place.drop("a.csv", b"new")
        until(lambda: len(place.landed()) > 0)
        until(lambda: place.one("SELECT count(*) FROM sightings WHERE state = 'settling'") == 0)

    assert contents_of(place)[-1] == b"new"
    assert set(contents_of(place)) <= {b"old", b"new"}, "never a mixture"


def test_a_file_deleted_before_it_is_taken_is_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.set(quiet=timedelta(hours=1), rescan=OFTEN)
    caplog.set_level("DEBUG")
    with place.watching():
        path = place.drop("a.csv")
        until(lambda: place.one("SELECT count(*) FROM sightings WHERE state = 'settling'") == 1)
        path.unlink()
        until(lambda: place.one("SELECT count(*) FROM sightings") == 0)

    assert place.events() == []
    vanished = [record.levelname for record in caplog.records if "vanished" in record.message]
    assert vanished == ["DEBUG"]


def test_a_partner_who_writes_on_after_his_rename_makes_a_version(place: Place) -> None:
    place.set(complete="renamed")
    with (place.root / "upload").open("wb") as file:
        file.write(b"first")
        file.flush()
        (place.root / "upload").rename(place.inbox / "a.csv")
        place.once()

        file.write(b" and more")
    place.once()

    assert contents_of(place) == [b"first", b"first and more"]
    assert place.landed() == [(b"a.csv", 1), (b"a.csv", 2)]


def test_an_archive_on_another_filesystem_than_the_source(place: Place) -> None:
    data = os.urandom(LARGE)
    with tmpfs(place.inbox, size="4m"):
        (place.inbox / "large.bin").write_bytes(data)
        (place.inbox / "small.csv").write_bytes(b"small")
        place.set(after="delete")

        place.once()

        assert list(place.inbox.iterdir()) == []
    assert sorted(contents_of(place)) == sorted([data, b"small"])


def test_a_file_moved_between_two_sources_is_one_event_of_each(place: Place) -> None:
    first = place.settings.sources[0]
    other = replace(first, name="other", path=place.root / "other", rescan=OFTEN)
    other.path.mkdir()
    place.settings = replace(place.settings, sources=(replace(first, rescan=OFTEN), other))
    path = place.drop("a.csv", b"a")
    with place.watching():
        until(lambda: len(place.landed()) == 1)
        path.rename(other.path / "a.csv")
        until(lambda: len(place.landed()) == 2)
        (other.path / "a.csv").rename(path)
        until(lambda: place.one("SELECT sum(redelivered) FROM sources") == 1)

    assert place.rows("SELECT source, path FROM landings ORDER BY position") == [
        ("acme", b"a.csv"),
        ("other", b"a.csv"),
    ]


def test_a_deep_and_populated_tree_that_is_moved_in_lands_whole(place: Place) -> None:
    place.set(rescan=timedelta(hours=1))
    tree = place.root / "tree"
    for number in range(60):
        folder = tree.joinpath(*(["deep"] * (number % 20)), str(number))
        folder.mkdir(parents=True)
        (folder / "a.csv").write_bytes(b"%d" % number)
    with place.watching():
        until(lambda: place.rows("SELECT state FROM sources WHERE last_scan_at > 0") == [("ok",)])
        tree.rename(place.inbox / "tree")

        until(lambda: len(place.landed()) == 60)


@pytest.mark.parametrize("after", ["keep", "delete", "move:done"])
def test_the_same_command_started_three_times_by_cron_doubles_nothing(tmp_path: Path, after: str) -> None:
    project = pipeline(tmp_path / "p", CONFIG.replace('rescan = "1s"', f'after = "{after}"'))
    for number in range(300):
        project.drop(f"{number}.csv", b"%d" % number)
    project.drop("large.bin", os.urandom(200_000))

    runs = [project.start("watch", "--once") for _ in range(3)]
    ended = [(run.communicate(timeout=PATIENCE), run.returncode) for run in runs]

    assert [code for _, code in ended] == [0, 0, 0], ended
    assert project.rows("SELECT count(*), count(DISTINCT path) FROM landings") == [(301, 301)]
    assert project.rows("SELECT redelivered FROM sources") == [(0,)]
    assert len(list(project.inbox.iterdir())) == (301 if after == "keep" else 0)
    assert project.rows("SELECT count(*) FROM departures WHERE ended_at IS NULL") == [(0,)]
    if after == "move:done":
        assert len(list((project.root / "done").iterdir())) == 301
    project.assert_sound()


@pytest.mark.parametrize("after", ["delete", "move:done"])
def test_two_watchers_on_one_directory_from_which_files_leave(tmp_path: Path, after: str) -> None:
    project = pipeline(
        tmp_path / "p", CONFIG.replace('rescan = "1s"', f'rescan = "200ms"\nafter = "{after}"')
    )
    watchers = [project.start("watch") for _ in range(2)]
    try:
        wait_until(lambda: len(project.live()) == 2, "both watch")
        for number in range(400):
            project.drop(f"{number % 100}.csv", b"%d" % number)  # each name is sent again and again
        for number in range(100):
            until(lambda number=number: not (project.inbox / f"{number}.csv").exists())  # type: ignore[misc]
    finally:
        for watcher in watchers:
            watcher.terminate()
        logs = [watcher.communicate(timeout=PATIENCE)[1] for watcher in watchers]
    project.ok("watch", "--once")

    assert [watcher.returncode for watcher in watchers] == [0, 0], logs
    last = project.rows("SELECT path, max(version), count(*) FROM landings GROUP BY path ORDER BY path")
    assert len(last) == 100
    assert all(versions == count for _, versions, count in last)
    assert list(project.inbox.iterdir()) == []
    project.assert_sound()


@contextmanager
def fuse(source: Path, place: Path) -> Iterator[None]:
    """The directory `source` is seen at `place` through a filesystem in user space."""
    if shutil.which("bindfs") is None or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("there is no bindfs, or no /dev/fuse")
    done = subprocess.run(["bindfs", str(source), str(place)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no filesystem in user space can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        unmount(place)


@pytest.mark.parametrize("after", ["keep", "delete"])
def test_a_filesystem_in_user_space_is_polled_and_waited_for_longer(place: Place, after: str) -> None:
    behind = place.root / "behind"
    behind.mkdir()
    place.set(quiet=None, rescan=OFTEN, after=after)
    with fuse(behind, place.inbox):
        with place.watching():
            (behind / "a.csv").write_bytes(b"a")  # unseen by the kernel's notifications
            until(lambda: place.one("SELECT count(*) FROM sightings WHERE state = 'settling'") == 1)
            assert place.rows("SELECT mode, proof FROM sources") == [("poll", "stable")]
        assert place.landed() == [], "the quiet time is 30 seconds there"

        place.set(quiet=timedelta(seconds=0.3))
        with place.watching():
            until(lambda: place.landed() == [(b"a.csv", 1)])
            until(lambda: (behind / "a.csv").exists() == (after == "keep"))
    assert len(list(behind.iterdir())) == (1 if after == "keep" else 0)
