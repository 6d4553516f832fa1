"""Markers and manifests leave their source as the files do of which they spoke, and after them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.watch.meanwhile import just_before
from tests.watch.mounts import tmpfs
from tests.watch.place import LARGE, Place, until
from tests.watch.test_leaving import DUE, OUTCOMES, names
from tests.watch.test_manifests import WAITING, line
from tests.watch.test_refusals import refused


def marked(place: Place, after: str = "delete", **changes: object) -> None:
    place.set(complete="marker", after=after, **changes)


def listed(place: Place, after: str = "delete", **changes: object) -> None:
    place.set(complete="manifest", after=after, **changes)


@pytest.mark.parametrize("marker", ["{name}.done", ".{name}", ".ok-{name}"])
def test_a_marker_is_gone_once_its_file_is(place: Place, marker: str) -> None:
    marked(place, marker=marker)
    for name in ("a.csv", "sub/b.bin"):
        path = place.drop(name, os.urandom(LARGE))
        (path.parent / marker.replace("{name}", path.name)).touch()

    summary = place.once()

    assert (summary.landed, summary.failed, summary.waiting) == (2, 0, 0)
    assert names(place.inbox) == []
    assert place.one(DUE) == 0


def test_a_marker_is_moved_with_its_file_whatever_it_holds_and_onto_any_filesystem(place: Place) -> None:
    with tmpfs(place.root / "done", size="1m") as done:
        marked(place, after=f"move:{done}")
        for data, mark in ((b"one", b""), (b"two", b"said"), (b"three", b"")):
            place.drop("sub/a.csv", data)
            place.drop("sub/a.csv.done", mark)
            assert place.once().landed == 1

        assert names(place.inbox) == []
        assert len([name for name in names(done) if ".done" not in name]) == 3
        assert len([name for name in names(done) if ".done" in name]) == 2  # equal ones are not kept twice


def test_a_marker_that_is_sent_for_the_next_file_stays(place: Place) -> None:
    marked(place)
    place.drop("a.csv", b"one")
    place.drop("a.csv.done", b"")

    def send_again() -> None:
        place.drop("a.csv", b"two")
        place.drop("a.csv.done", b"")

    with just_before("os.rename", lambda: None), just_before("os.rename", send_again):  # as the marker leaves
        place.once()
    place.once()

    assert place.landed() == [(b"a.csv", 1), (b"a.csv", 2)]
    assert names(place.inbox) == []


def test_a_marker_that_came_with_the_next_file_while_the_first_was_read_is_that_of_the_next(
    place: Place,
) -> None:
    marked(place)
    place.drop("a.csv", b"one")
    place.drop("a.csv.done", b"")

    def send_again() -> None:
        place.drop("a.csv", b"two")
        place.drop("a.csv.done", b"")

    with just_before("fcntl.fcntl", send_again):  # whether somebody writes it is asked when it is open
        place.once()
    place.once()

    assert place.landed() == [(b"a.csv", 1), (b"a.csv", 2)]
    assert names(place.inbox) == []


def test_a_marker_stays_as_long_as_its_file_cannot_leave(place: Place) -> None:
    marked(place)
    done = place.root / "done"
    with tmpfs(done, size="16k"):
        place.set(after=f"move:{done}")
        (done / "filler").write_bytes(bytes(16384))
        place.drop("a.csv", os.urandom(LARGE))
        place.drop("a.csv.done", b"")
        assert place.once().failed == 1
        stuck = [name for name in names(place.inbox) if "done" in name]
        (done / "filler").unlink()

        place.once()

        assert stuck == ["a.csv.done"]
        assert names(place.inbox) == []
        assert names(done) == ["a.csv", "a.csv.done"]


def test_markers_of_files_that_are_refused_or_kept_stay(place: Place) -> None:
    marked(place, empty="refuse")
    place.drop("a.csv", b"")
    place.drop("a.csv.done", b"")

    place.once()

    assert names(place.inbox) == ["a.csv", "a.csv.done"]
    assert place.one(DUE) == 0


def test_a_killed_watcher_leaves_no_marker_behind(place: Place) -> None:
    """As it stands between the commit and the files' leaving."""
    marked(place)
    place.drop("a.csv", b"data")
    place.drop("a.csv.done", b"")

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    with pytest.raises(Killed), just_before("os.rename", die):
        place.once()
    left = names(place.inbox)
    place.once()

    assert left == ["a.csv", "a.csv.done"]
    assert names(place.inbox) == []
    assert place.rows(OUTCOMES) == [(b"a.csv", "deleted"), (b"a.csv.done", "deleted")]


def test_a_watcher_killed_between_a_file_and_its_marker_leaves_none_behind(place: Place) -> None:
    marked(place)
    place.drop("a.csv", b"data")
    place.drop("a.csv.done", b"")

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    acts: list[Callable[[], None]] = [lambda: None, die]
    with pytest.raises(Killed), just_before("os.remove", acts[0]), just_before("os.remove", acts[1]):
        place.once()
    left = names(place.inbox)
    place.once()

    assert len(left) == 1
    assert ".done" in left[0]
    assert names(place.inbox) == []


def test_a_manifest_leaves_after_its_last_member(place: Place) -> None:
    done = place.root / "done"
    listed(place, after=f"move:{done}")
    place.drop("in/a.csv", b"a")
    place.drop("in/all.sha256", (line("a.csv", b"a") + line("b.csv", b"b")).encode())
    place.once()
    half = names(place.inbox)
    place.drop("in/b.csv", b"b")

    place.once()

    assert half == ["in/all.sha256"]
    assert names(place.inbox) == []
    assert names(done) == ["in/a.csv", "in/all.sha256", "in/b.csv"]


def test_a_manifest_that_comes_before_its_members_are_sent_again_stays_for_them(place: Place) -> None:
    listed(place, resend="land")
    both = (line("a.csv", b"same") + line("b.csv", b"too")).encode()
    for name, data in (("a.csv", b"same"), ("b.csv", b"too"), ("all.sha256", both)):
        place.drop(name, data)
    place.once()
    place.drop("all.sha256", both)
    place.once()
    waits = names(place.inbox)
    place.drop("a.csv", b"same")
    place.once()
    half = names(place.inbox)
    place.drop("b.csv", b"too")

    place.once()

    assert waits == half == ["all.sha256"]
    assert names(place.inbox) == []
    assert len(place.landed()) == 4


def test_a_manifest_that_is_replaced_as_it_leaves_stays(place: Place) -> None:
    listed(place)
    place.drop("a.csv", b"a")
    place.drop("all.sha256", line("a.csv", b"a").encode())
    next_one = line("b.csv", b"b").encode()

    with just_before("os.rename", lambda: place.drop("all.sha256", next_one)):
        place.once()
    between = names(place.inbox)
    place.drop("b.csv", b"b")
    place.once()

    assert between == ["all.sha256"]
    assert names(place.inbox) == []
    assert place.landed() == [(b"a.csv", 1), (b"b.csv", 1)]


def test_a_manifest_stays_beside_a_member_that_was_refused(place: Place) -> None:
    listed(place, max_size=3)
    place.drop("a.csv", b"a")
    large = place.drop("large.csv", b"large")
    place.drop("all.sha256", (line("a.csv", b"a") + line("large.csv", b"large")).encode())
    place.once()
    beside = names(place.inbox)
    large.unlink()

    place.once()

    assert beside == ["all.sha256", "large.csv"]
    assert names(place.inbox) == []


@pytest.mark.parametrize("after", ["keep", "delete"])
def test_a_manifest_does_not_wait_for_members_that_were_turned_away(
    place: Place, after: str, caplog: pytest.LogCaptureFixture
) -> None:
    place.drop("first.csv", b"known")
    place.once()
    listed(place, after=after, duplicates="suppress", empty="refuse")
    for name, data in (("copy.csv", b"known"), ("empty.csv", b""), ("good.csv", b"good")):
        place.drop(name, data)
    (place.inbox / "link.csv").symlink_to("/etc/passwd")
    lines = [
        line("copy.csv", b"known"),
        line("empty.csv", b""),
        line("good.csv", b"good"),
        line("link.csv", b""),
    ]
    place.drop("all.sha256", "".join(lines).encode())

    first, second = place.once(), place.once()

    assert (first.landed, first.suppressed, first.refused) == (1, 1, 2)
    assert (first.waiting, second.waiting) == (0, 0)
    assert sorted(refused(place)) == [("empty.csv", "empty"), ("link.csv", "symlink")]
    assert "3 of 4 members have not landed: copy.csv is turned away (duplicate:" in caplog.text
    assert place.rows(WAITING) == []


def test_a_manifest_waits_for_a_member_that_is_sent_anew_after_it_was_turned_away(place: Place) -> None:
    place.drop("first.csv", b"known")
    place.once()
    listed(place, after="keep", duplicates="suppress")
    place.drop("a.csv", b"known")
    place.drop("all.sha256", line("a.csv", b"known").encode())
    place.once()
    place.drop("all.sha256", line("a.csv", b"other").encode())
    waiting = place.once()
    place.drop("a.csv", b"other")

    landed = place.once()

    assert (waiting.landed, waiting.waiting) == (0, 1)
    assert (landed.landed, landed.waiting) == (1, 0)


def test_two_watchers_on_one_folder_lose_and_double_nothing(place: Place) -> None:
    place.set(
        complete="marker", after="delete", rescan=timedelta(seconds=0.05), mode="poll", quiet=timedelta(0)
    )
    count = 60

    def announce(path: Path) -> None:
        path.with_name(path.name + ".done").touch()

    with place.watching(), place.watching():
        for n in range(count):
            announce(place.drop(f"{n % 7}/{n}.csv", b"%d" % n))
        until(lambda: len(place.landed()) == count and names(place.inbox) == [])

    assert {version for _, version in place.landed()} == {1}
    assert place.one(DUE) == 0
