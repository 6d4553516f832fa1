"""A file and its marker: in either order, neither without the other, and no marker speaks twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.watch.place import LARGE, Place, age, new_place, until

WAITING = "SELECT path, reason FROM sightings WHERE state = 'settling' ORDER BY path"


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Place]:
    """A source that waits for markers; a file that is not announced at once must be quiet for long."""
    with new_place(tmp_path, quiet=1000) as place:
        place.set(complete="marker")
        yield place


def told(place: Place) -> list[tuple[bytes, str]]:
    """What waits, and for what, as the store knows it once it has waited for a while."""
    with place.watching():
        until(lambda: bool(place.rows(WAITING)))
        return [(path, reason) for path, reason in place.rows(WAITING)]


def test_a_file_lands_when_its_marker_has_come_however_young_it_is(marked: Place) -> None:
    marked.drop("a.csv", b"data")
    before = marked.once()
    marked.drop("a.csv.done", b"")

    after = marked.once()

    assert (before.landed, before.waiting) == (0, 1)
    assert (after.landed, after.waiting, after.ignored) == (1, 0, 0)
    assert marked.landed() == [(b"a.csv", 1)]
    assert marked.events()[0].data["complete"].startswith("marker")


def test_a_marker_that_came_first_speaks_for_a_file_that_is_quiet(marked: Place) -> None:
    marked.drop("a.csv.done", b"")
    alone = marked.once()
    path = marked.drop("a.csv", b"data")
    os.utime(path)  # younger than its marker, whatever the clock's resolution
    marked.set(quiet=timedelta(seconds=0.05))
    with path.open("ab"):
        held = marked.once()

    quiet = marked.once()

    assert (alone.landed, alone.waiting) == (0, 1)
    assert (held.landed, held.waiting) == (0, 1)
    assert (quiet.landed, quiet.waiting) == (1, 0)


def test_a_running_watcher_takes_a_file_as_soon_as_its_marker_comes(marked: Place) -> None:
    marked.set(rescan=timedelta(hours=1))
    with marked.watching():
        until(lambda: marked.one("SELECT count(last_scan_at) FROM sources") == 1)
        marked.drop("a.csv", os.urandom(LARGE))
        marked.drop("a.csv.done", b"")

        until(lambda: marked.landed() == [(b"a.csv", 1)])


def test_a_file_without_its_marker_is_known_with_its_reason(marked: Place) -> None:
    marked.drop("in/a.csv", b"data")

    assert told(marked) == [(b"in/a.csv", "waiting for its marker a.csv.done")]


def test_one_run_leaves_word_of_what_waits_since_nobody_comes_back_to_say_it(marked: Place) -> None:
    marked.drop("a.csv", b"data")

    marked.once()

    assert marked.rows(WAITING) == [(b"a.csv", "waiting for its marker a.csv.done")]


def test_a_marker_without_its_file_is_known_and_forgotten_when_the_file_comes(marked: Place) -> None:
    marked.drop("a.csv.done", b"")
    assert told(marked) == [(b"a.csv.done", "a marker whose file a.csv has not come")]
    marked.drop("a.csv", b"data")
    marked.drop("a.csv.done", b"")

    marked.once()

    assert marked.rows(WAITING) == []
    assert marked.landed() == [(b"a.csv", 1)]


def test_a_marker_that_is_left_behind_announces_nothing_that_is_sent_later(marked: Place) -> None:
    marked.drop("a.csv", b"one")
    marked.drop("a.csv.done", b"")
    marked.once()
    path = marked.drop("a.csv", b"half of t")
    os.utime(path)
    age(path, seconds=0.05)
    marked.set(quiet=timedelta(seconds=0.05))

    half = marked.once()
    reason = told(marked)
    marked.drop("a.csv", b"two, whole")
    marked.drop("a.csv.done", b"")
    whole = marked.once()

    assert (half.landed, half.waiting) == (0, 1)
    assert reason == [(b"a.csv", "its marker a.csv.done is older than the file: waiting for a new one")]
    assert whole.landed == 1
    assert marked.landed() == [(b"a.csv", 1), (b"a.csv", 2)]


def test_markers_left_beside_files_that_have_landed_and_gone_are_no_concern(marked: Place) -> None:
    path = marked.drop("a.csv", b"one")
    marked.drop("a.csv.done", b"")
    marked.once()
    path.unlink()

    assert marked.once().waiting == 0


def test_markers_never_land_whatever_they_hold_and_however_they_are_called(marked: Place) -> None:
    marked.set(marker=".ok-{name}", include=("*.csv",))
    marked.drop("a.csv", b"data")
    marked.drop(".ok-a.csv", b"data")

    assert marked.once().landed == 1
    assert marked.once().landed == 0
    assert marked.landed() == [(b"a.csv", 1)]


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_only_a_file_is_a_marker(marked: Place, kind: str) -> None:
    marked.drop("a.csv", b"data")
    marker = marked.inbox / "a.csv.done"
    if kind == "folder":
        marker.mkdir()
    elif kind == "link":
        marker.symlink_to("/etc/passwd")
    else:
        os.mkfifo(marker)

    assert marked.once().landed == 0


def test_a_slow_writer_who_pauses_beyond_the_quiet_time_lands_once_and_whole(marked: Place) -> None:
    marked.set(quiet=timedelta(0))
    with (marked.inbox / "a.csv").open("wb", buffering=0) as file:
        file.write(b"half")
    marked.once()
    with (marked.inbox / "a.csv").open("ab", buffering=0) as file:
        file.write(b" and half")
    marked.drop("a.csv.done", b"")

    marked.once()

    assert marked.landed() == [(b"a.csv", 1)]
    assert marked.events()[0].data["size"] == len(b"half and half")


def test_the_marker_of_a_name_that_is_not_utf_8_is_found(marked: Place) -> None:
    marked.drop(b"caf\xe9.csv", b"data")
    marked.drop(b"caf\xe9.csv.done", b"")

    assert marked.once().landed == 1


def test_more_files_than_can_be_remembered_land_when_their_markers_come(marked: Place) -> None:
    for n in range(50):
        marked.drop(f"{n}.csv", b"%d" % n)
    assert marked.once().waiting == 50
    for n in range(50):
        marked.drop(f"{n}.csv.done", b"")

    assert marked.once().landed == 50
    assert marked.once().waiting == 0
