"""A file landed by hand goes through the same step, and a watcher makes nothing more of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.errors import IngestError, NotFound, TryAgain, UsageError
from ingest.store import presence
from ingest.watch.landing.by_hand import Answer, Request, land_by_hand
from tests.watch.place import LARGE, Place, as_nobody
from tests.watch.test_refusals import yield_to_nobody


def by_hand(place: Place, file: Path, *, path: str | None = None, reason: str = "") -> Answer:
    request = Request(file=file, source="acme", path=path, reason=reason)
    return land_by_hand(place.store, place.archive, place.settings, request, now=datetime.now(UTC))


def outside(place: Place, data: bytes, name: str = "fixed.csv") -> Path:
    path = place.root / name
    path.write_bytes(data)
    return path


def test_a_file_from_elsewhere_lands_under_its_own_name_and_stays(place: Place) -> None:
    file = outside(place, b"data")

    answer = by_hand(place, file, reason="asked by mail")

    (event,) = place.events()
    assert answer.standing is not None
    assert (answer.path, answer.standing.version, answer.standing.event_id) == (b"fixed.csv", 1, event.id)
    assert event.data["complete"] == "by hand"
    assert file.read_bytes() == b"data"
    assert place.one("SELECT reason FROM sightings") == "by hand: asked by mail"
    assert place.rows("SELECT name, state, landed FROM sources") == [("acme", "idle", 1)]


def test_a_large_file_is_an_object_and_nobody_is_left_behind(place: Place) -> None:
    by_hand(place, outside(place, os.urandom(LARGE)))

    assert place.objects() == [place.events()[0].data["sha256"]]
    assert place.unfinished() == []
    directory = presence.directory_of(place.store.path)
    assert list(directory.iterdir()) == []


def test_bytes_that_stand_already_land_once_more(place: Place) -> None:
    path = place.drop("a.csv", b"same")
    place.once()

    answer = by_hand(place, path)

    assert answer.standing is not None
    assert answer.standing.version == 2
    first, second = place.events()
    assert second.data["supersedes"] == first.id
    assert place.once().landed == 0
    assert place.once().redelivered == 0


def test_a_watcher_does_not_land_again_what_a_person_landed_before_it(place: Place) -> None:
    path = place.drop("in/a.csv", b"data")

    answer = by_hand(place, path)
    summary = place.once()

    assert answer.path == b"in/a.csv"
    assert (summary.landed, summary.redelivered) == (0, 0)
    assert place.landed() == [(b"in/a.csv", 1)]


def test_the_former_file_that_still_lies_in_the_source_does_not_land_over_its_correction(
    place: Place,
) -> None:
    place.drop("a.csv", b"wrong")
    place.once()

    by_hand(place, outside(place, b"right"), path="a.csv")
    summary = place.once()

    assert (summary.landed, summary.redelivered) == (0, 0)
    assert place.landed() == [(b"a.csv", 1), (b"a.csv", 2)]
    place.drop("a.csv", b"newer")
    assert place.once().landed == 1


def test_known_bytes_under_a_new_path_land_whatever_the_policy(place: Place) -> None:
    place.set(duplicates="refuse")
    place.drop("a.csv", b"same")
    place.once()

    answer = by_hand(place, outside(place, b"same"), path="b.csv")

    assert answer.standing is not None
    assert place.events()[-1].data["duplicateof"] == place.events()[0].id


@pytest.mark.parametrize(
    ("policy", "data", "word"),
    [
        ({"max_size": 3}, b"1234", "too_large"),
        ({"empty": "refuse"}, b"", "empty"),
        ({"name_pattern": "[0-9]+"}, b"1", "name"),
    ],
)
def test_what_the_source_refuses_is_refused(
    place: Place, policy: dict[str, object], data: bytes, word: str
) -> None:
    place.set(**policy)

    answer = by_hand(place, outside(place, data))

    assert answer.standing is None
    assert answer.said.startswith(f"{word}: ")
    assert place.events() == []


def test_the_name_it_is_to_have_is_the_one_that_must_match(place: Place) -> None:
    place.set(name_pattern="(?P<n>[0-9]+)[.]csv", partition="{n}")

    answer = by_hand(place, outside(place, b"1"), path="7.csv")

    assert answer.standing is not None
    assert place.events()[0].partitionkey == "acme/7"


def test_a_file_in_a_folder_that_may_be_entered_and_not_listed_lands(place: Place) -> None:
    place.once()  # everything is imported before rights are given up
    folder = place.root / "folder"
    folder.mkdir()
    file = folder / "a.csv"
    file.write_bytes(b"a")
    yield_to_nobody(place)
    folder.chmod(0o111)

    with as_nobody():
        answer = by_hand(place, file)

    assert answer.standing is not None


@pytest.mark.parametrize("path", ["/etc/passwd", "../a.csv", "x/../../a", ".", "", "a/"])
def test_a_path_that_leads_out_of_the_source_is_refused(place: Place, path: str) -> None:
    with pytest.raises(UsageError, match="not a path within"):
        by_hand(place, outside(place, b"1"), path=path)


def test_what_is_no_file_or_not_there_or_locked_is_refused(place: Place) -> None:
    link = place.root / "link"
    link.symlink_to("/etc/passwd")
    locked = outside(place, b"secret")
    locked.chmod(0)
    yield_to_nobody(place)

    refusals: list[type[IngestError]] = []
    for file in (link, place.root / "nowhere", place.root / ".", locked):
        with as_nobody(), pytest.raises(IngestError) as refusal:
            by_hand(place, file)
        refusals.append(refusal.type)

    assert refusals == [UsageError, NotFound, UsageError, TryAgain]
    assert place.events() == []
