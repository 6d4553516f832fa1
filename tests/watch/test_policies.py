"""What a source says of files that are whole: which it refuses, which it suppresses, which it lands again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.store.opening import open_store
from ingest.watch.once import Summary
from tests.watch.place import Place, as_nobody
from tests.watch.test_refusals import refused, yield_to_nobody


def counted(summary: Summary) -> tuple[int, int, int, int]:
    return summary.landed, summary.redelivered, summary.refused, summary.suppressed


def once_more(place: Place) -> Summary:
    """What another process finds in the same pipeline."""
    with open_store(place.store.url, place.store.local) as store:
        return Place(place.root, store, place.archive, place.settings).once()


def test_a_file_larger_than_max_size_is_refused_once(place: Place) -> None:
    place.set(max_size=100)
    place.drop("large.csv", b"x" * 101)
    place.drop("fits.csv", b"x" * 100)

    summaries = [place.once() for _ in range(3)]

    assert [counted(s) for s in summaries] == [(1, 0, 1, 0), (0, 0, 0, 0), (0, 0, 0, 0)]
    assert refused(place) == [("large.csv", "too_large")]
    assert place.one("SELECT reason FROM sightings WHERE state = 'refused'") == (
        "too_large: 101 bytes are more than max_size, 100"
    )


def test_a_file_that_is_too_large_is_never_opened(place: Place) -> None:
    place.once()  # everything is imported before rights are given up
    place.set(max_size=100)
    place.drop("locked.csv", b"x" * 101).chmod(0)  # opening it would be refused, and it would be blocked
    yield_to_nobody(place)

    with as_nobody():
        summary = place.once()

    assert (summary.refused, summary.failed) == (1, 0)


def test_a_file_that_was_too_large_lands_when_it_has_become_smaller(place: Place) -> None:
    place.set(max_size=100)
    place.drop("a.csv", b"x" * 101)
    place.once()

    place.drop("a.csv", b"x" * 99)
    summary = place.once()

    assert counted(summary) == (1, 0, 0, 0)


def test_a_huge_file_full_of_holes_is_refused_by_its_size_alone(place: Place) -> None:
    with (place.inbox / "sparse.bin").open("wb") as file:
        file.truncate(10 << 30)

    summary = place.once()

    assert counted(summary) == (0, 0, 1, 0)
    assert place.objects() == place.unfinished() == []


@pytest.mark.parametrize(
    ("empty", "expected", "ignored"),
    [("land", (2, 0, 0, 0), 0), ("refuse", (0, 0, 2, 0), 0), ("ignore", (0, 0, 0, 0), 2)],
)
def test_an_empty_file_is_what_its_source_says(
    place: Place, empty: str, expected: tuple[int, ...], ignored: int
) -> None:
    place.set(empty=empty, duplicates="refuse")
    for name in ("a.csv", "b.csv"):  # empty files are no duplicates of one another
        place.drop(name, b"")

    first, second = place.once(), place.once()

    assert counted(first) == expected
    assert counted(second) == (0, 0, 0, 0)
    assert (first.ignored, second.ignored) == (ignored, ignored)


def test_an_ignored_empty_file_lands_once_it_is_filled(place: Place) -> None:
    place.set(empty="ignore")
    path = place.drop("a.csv", b"")
    place.once()

    path.write_bytes(b"now")

    assert place.once().landed == 1


def test_a_file_with_a_second_name_is_refused_where_the_source_says_so(place: Place, tmp_path: Path) -> None:
    place.set(hardlinks="refuse")
    outside = tmp_path / "secret"
    outside.write_bytes(b"secret")
    (place.inbox / "linked.csv").hardlink_to(outside)
    place.drop("own.csv", b"own")

    first, second = place.once(), place.once()

    assert counted(first) == (1, 0, 1, 0)
    assert counted(second) == (0, 0, 0, 0)
    assert refused(place) == [("linked.csv", "hardlink")]
    outside.unlink()
    assert place.once().landed == 1


def test_the_same_bytes_delivered_again_are_a_version_where_the_source_says_so(place: Place) -> None:
    place.set(resend="land")
    place.drop("daily.csv", b"same")
    place.once()
    place.drop("daily.csv", b"same")

    summary = place.once()

    assert counted(summary) == (1, 0, 0, 0)
    first, second = place.events()
    assert (second.data["version"], second.data["supersedes"]) == (2, first.id)
    assert first.data["sha256"] == second.data["sha256"]
    assert place.one("SELECT count(*) FROM contents") == 1


def test_a_scan_a_restart_and_a_second_watcher_deliver_nothing_again(place: Place) -> None:
    place.set(resend="land")
    place.drop("daily.csv", b"same")
    place.once()

    again = [place.once(), place.once(), once_more(place)]

    assert [counted(s) for s in again] == [(0, 0, 0, 0)] * 3


def test_touching_a_file_delivers_it_again(place: Place) -> None:
    place.set(resend="land")
    path = place.drop("daily.csv", b"same")
    place.once()

    os.utime(path)

    assert [counted(place.once()) for _ in range(2)] == [(1, 0, 0, 0), (0, 0, 0, 0)]


def test_known_bytes_under_a_new_name_are_suppressed_and_recorded(place: Place) -> None:
    place.set(duplicates="suppress")
    place.drop("a.csv", b"same")
    place.drop("b.csv", b"same")

    first, second = place.once(), place.once()

    assert counted(first) == (1, 0, 0, 1)
    assert counted(second) == (0, 0, 0, 0)
    landed, duplicate = place.events()
    assert duplicate.type == "ingest.file.duplicate_received.v1"
    assert duplicate.data["duplicateof"] == landed.id
    assert (duplicate.data["path"], duplicate.data["sha256"]) == ("b.csv", landed.data["sha256"])
    assert place.landed() == [(b"a.csv", 1)]
    assert place.rows("SELECT state, reason FROM sightings WHERE path = :path", path=b"b.csv") == [
        ("suppressed", f"duplicate: the same bytes as event {landed.id}")
    ]
    assert place.one("SELECT suppressed FROM sources") == 1


def test_known_bytes_under_a_new_name_are_refused_where_the_source_says_so(place: Place) -> None:
    place.set(duplicates="refuse")
    place.drop("a.csv", b"same")
    place.once()
    place.drop("b.csv", b"same")

    first, second = place.once(), place.once()

    assert counted(first) == (0, 0, 1, 0)
    assert counted(second) == (0, 0, 0, 0)
    assert refused(place) == [("b.csv", "duplicate")]


def test_known_bytes_delivered_to_a_path_that_has_landed_are_its_next_version(place: Place) -> None:
    place.set(duplicates="suppress")
    for name, data in (("a.csv", b"A"), ("b.csv", b"B")):
        place.drop(name, data)
    place.once()

    place.drop("a.csv", b"B")
    place.once()

    assert place.landed()[-1] == (b"a.csv", 2)
    assert place.events()[-1].data["duplicateof"] is not None


def test_a_suppressed_duplicate_that_comes_again_is_recorded_again(place: Place) -> None:
    place.set(duplicates="suppress")
    place.drop("a.csv", b"same")
    for _ in range(2):
        place.drop("b.csv", b"same")
        place.once()

    assert [e.type.split(".")[2] for e in place.events()] == ["landed", *["duplicate_received"] * 2]


def test_other_bytes_land_where_a_duplicate_was_suppressed(place: Place) -> None:
    place.set(duplicates="suppress")
    place.drop("a.csv", b"same")
    place.drop("b.csv", b"same")
    place.once()

    place.drop("b.csv", b"other")
    place.once()

    assert place.landed() == [(b"a.csv", 1), (b"b.csv", 1)]


def test_what_the_pattern_captures_from_a_name_is_in_the_event(place: Place) -> None:
    place.set(
        name_pattern=r"(?P<account>[A-Z]+)_(?P<sequence>\d+)(-(?P<part>\d))?\.csv", partition="{account}"
    )
    place.drop("in/GB_1.csv", b"1")
    place.drop("DE_7-2.csv", b"2")
    place.drop("GB_2.csv", b"3")

    place.once()

    told = {e.data["path"]: (e.data["fields"], e.partitionkey) for e in place.events()}
    assert told == {
        "in/GB_1.csv": ({"account": "GB", "sequence": "1"}, "acme/GB"),
        "DE_7-2.csv": ({"account": "DE", "sequence": "7", "part": "2"}, "acme/DE"),
        "GB_2.csv": ({"account": "GB", "sequence": "2"}, "acme/GB"),
    }


def test_a_name_that_does_not_match_is_refused_once_and_never_opened(place: Place) -> None:
    place.once()
    place.set(name_pattern=r"(?P<account>[A-Z]+)\.csv", partition="{account}")
    place.drop("Wrong.csv", b"1").chmod(0)
    yield_to_nobody(place)

    with as_nobody():
        first, second = place.once(), place.once()

    assert [counted(first), counted(second)] == [(0, 0, 1, 0), (0, 0, 0, 0)]
    assert refused(place) == [("Wrong.csv", "name")]
    assert place.events()[0].partitionkey == "acme/Wrong.csv"


def test_a_captured_text_that_is_not_utf_8_is_shown_and_parts_exactly(place: Place) -> None:
    place.set(name_pattern=r"(?P<account>.+)\.csv", partition="{account}")
    place.drop(b"caf\xe9.csv", b"1")
    place.drop("caf\u00e9.csv", b"2")

    place.once()

    told = {e.partitionkey: e.data["fields"]["account"] for e in place.events()}
    assert told == {"acme/caf%E9": "caf\\xe9", "acme/caf\u00e9": "caf\u00e9"}
