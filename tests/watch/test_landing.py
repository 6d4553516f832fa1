"""What lands, as which version, and what it is called: read from the store after real files came and went."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest

from tests.watch.place import LARGE, SMALL, Place


def test_a_file_lands_as_one_event_with_exactly_its_bytes(place: Place) -> None:
    data = b"id,amount\n1,10.00\n"
    place.drop("day.csv", data)

    summary = place.once()

    assert (summary.landed, summary.waiting, summary.failed) == (1, 0, 0)
    (event,) = place.events()
    assert event.type == "ingest.file.landed.v1"
    assert event.source == "/ingest/acme"
    assert (event.subject, event.partitionkey, event.keyseq) == ("day.csv", "acme/day.csv", 1)
    assert event.correlationid == event.id
    digest = hashlib.sha256(data).hexdigest()
    assert {key: event.data[key] for key in ("source", "name", "path", "size", "sha256", "content")} == {
        "source": "acme",
        "name": "day.csv",
        "path": "day.csv",
        "size": len(data),
        "sha256": digest,
        "content": f"archive:sha256:{digest}",
    }
    assert event.data["media_type"] == "text/csv"
    assert (event.data["version"], event.data["supersedes"], event.data["duplicateof"]) == (1, None, None)
    with place.archive.open(digest) as file:
        assert file.read() == data


def test_a_large_file_becomes_an_object_and_leaves_nothing_unfinished(place: Place) -> None:
    data = os.urandom(LARGE)
    place.drop("large.bin", data)

    place.once()

    digest = hashlib.sha256(data).hexdigest()
    assert place.objects() == [digest]
    assert place.unfinished() == []
    assert place.one("SELECT bytes IS NULL FROM contents")
    with place.archive.open(digest) as file:
        assert file.read() == data


def test_what_has_landed_is_left_alone_by_later_scans(place: Place) -> None:
    place.drop("a.csv", b"a")
    place.drop("large.bin", os.urandom(LARGE))
    place.once()

    again = place.once()

    assert (again.landed, again.redelivered, again.waiting) == (0, 0, 0)
    assert len(place.events()) == 2


def test_new_bytes_under_the_same_path_are_the_next_version(place: Place) -> None:
    place.drop("a.csv", b"first")
    place.once()
    place.drop("a.csv", b"second")

    place.once()

    first, second = place.events()
    assert (first.data["version"], second.data["version"]) == (1, 2)
    assert second.data["supersedes"] == first.id
    assert (first.partitionkey, second.keyseq) == (second.partitionkey, 2)
    assert place.one("SELECT supersedes FROM events WHERE id = :id", id=second.id) == first.id


def test_the_same_bytes_again_are_counted_and_are_no_event(place: Place) -> None:
    place.drop("a.csv", b"same")
    place.once()
    place.drop("a.csv", b"same")

    summary = place.once()

    assert (summary.landed, summary.redelivered) == (0, 1)
    assert len(place.events()) == 1
    assert place.one("SELECT redelivered FROM sightings") == 1
    assert place.one("SELECT redelivered FROM sources") == 1
    assert place.once().redelivered == 0


def test_touching_a_file_counts_once_however_often_it_is_scanned(place: Place) -> None:
    path = place.drop("a.csv", b"same")
    place.once()
    os.utime(path)

    counted = [place.once().redelivered for _ in range(3)]

    assert counted == [1, 0, 0]


def test_a_b_a_is_three_versions(place: Place) -> None:
    for data in (b"A", b"B", b"A"):
        place.drop("a.csv", data)
        place.once()

    events = place.events()
    assert [event.data["version"] for event in events] == [1, 2, 3]
    assert [event.data["supersedes"] for event in events] == [None, events[0].id, events[1].id]
    assert [event.data["duplicateof"] for event in events] == [None, None, None]


def test_known_bytes_under_a_new_path_name_the_first_that_brought_them(place: Place) -> None:
    place.drop("first.csv", b"same")
    place.once()
    place.drop("copy.csv", b"same")
    place.once()
    place.drop("another.csv", b"same")
    place.once()

    first, copy, another = place.events()
    assert copy.data["duplicateof"] == first.id
    assert another.data["duplicateof"] == first.id


def test_copies_within_one_batch_know_of_each_other(place: Place) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        place.drop(name, b"same")

    place.once()

    a, b, c = place.events()
    assert (a.data["duplicateof"], b.data["duplicateof"], c.data["duplicateof"]) == (None, a.id, a.id)
    assert place.one("SELECT count(*) FROM contents") == 1


def test_bytes_that_return_to_their_first_path_name_the_first_copy_elsewhere(place: Place) -> None:
    for name, data in (("a.csv", b"A"), ("z.csv", b"A"), ("b.csv", b"A"), ("a.csv", b"B"), ("a.csv", b"A")):
        place.drop(name, data)
        place.once()

    events = place.events()
    assert events[-1].data["duplicateof"] == events[1].id


def test_empty_files_are_facts_and_no_copies_of_one_another(place: Place) -> None:
    place.drop("a.ok", b"")
    place.drop("b.ok", b"")

    place.once()

    assert [(e.data["size"], e.data["duplicateof"]) for e in place.events()] == [(0, None), (0, None)]


def test_sources_do_not_know_of_each_others_copies(place: Place, tmp_path: Path) -> None:
    place.drop("a.csv", b"same")
    place.once()
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.csv").write_bytes(b"same")
    place.set(name="globex", path=other)

    place.once()

    first, second = place.events()
    assert second.data["duplicateof"] is None
    assert (first.partitionkey, second.partitionkey) == ("acme/a.csv", "globex/a.csv")


def test_a_source_may_be_one_partition(place: Place) -> None:
    place.set(partition="{source}")
    place.drop("a.csv", b"a")
    place.drop("b.csv", b"b")

    place.once()

    assert [(e.partitionkey, e.keyseq) for e in place.events()] == [("acme", 1), ("acme", 2)]


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9.csv",
        b"line\nbreak.csv",
        b"\x1b[31mred.csv",
        b"--help.csv",
        b"$(rm -rf).csv",
        b"a[/b].csv",
        "\u202egnp.exe.csv".encode(),
        "e\u0301.csv".encode(),
        b"100%.csv",
        b"n" * 251 + b".csv",
    ],
)
def test_a_name_is_kept_byte_for_byte(place: Place, name: bytes) -> None:
    place.drop(name, b"data")

    place.once()

    (event,) = place.events()
    assert place.landed() == [(name, 1)]
    exact = event.data.get("path_b64")
    assert (base64.b64decode(exact) if exact else event.data["path"].encode()) == name
    assert event.data.get("name_b64") == exact
    assert "\n" not in event.subject
    assert "\x1b" not in event.subject
    assert place.once().landed == 0


def test_composed_and_decomposed_names_are_two_files(place: Place) -> None:
    place.drop("\u00e9.csv", b"one")
    place.drop("e\u0301.csv", b"two")

    place.once()

    assert len({event.partitionkey for event in place.events()}) == 2


def test_folders_are_entered_and_paths_are_relative(place: Place) -> None:
    place.drop("2026/03/day.csv", b"deep")

    place.once()

    (event,) = place.events()
    assert (event.data["path"], event.data["name"]) == ("2026/03/day.csv", "day.csv")


def test_folders_are_left_alone_where_the_source_is_flat(place: Place) -> None:
    place.set(recursive=False)
    place.drop("below/day.csv", b"deep")
    place.drop("day.csv", b"flat")

    place.once()

    assert place.landed() == [(b"day.csv", 1)]


def test_a_folder_named_like_a_file_is_a_folder(place: Place) -> None:
    (place.inbox / "x.csv").mkdir()
    place.drop("x.csv/y.csv", b"inside")

    summary = place.once()

    assert (summary.landed, summary.refused) == (1, 0)
    assert place.landed() == [(b"x.csv/y.csv", 1)]


def test_ignored_names_do_not_land_and_are_counted(place: Place) -> None:
    place.set(include=("*.csv",), ignore=("old*",))
    for name in ("a.csv.part", ".hidden.csv", "old.csv", "readme.txt", "good.csv"):
        place.drop(name)

    summary = place.once()

    assert place.landed() == [(b"good.csv", 1)]
    assert summary.ignored == 4
    assert place.one("SELECT ignored FROM sources") == 4


def test_a_thousand_files_land_in_a_few_commits(place: Place) -> None:
    for number in range(1200):
        (place.inbox / f"{number:04}.csv").write_bytes(b"%d" % number)

    summary = place.once()

    assert summary.landed == 1200
    assert place.one("SELECT count(*) FROM events") == 1200
    assert place.one("SELECT landed FROM sources") == 1200
    assert place.one("SELECT count(DISTINCT landed_at) FROM landings") < 10


def test_the_sender_s_mtime_decides_nothing(place: Place) -> None:
    for name, mtime in (("future.csv", 2**33), ("past.csv", 0), ("before.csv", -(2**31))):
        os.utime(place.drop(name, name.encode()), (mtime, mtime))

    assert place.once().landed == 3
    assert place.once().landed == 0


def test_files_and_their_links_share_no_inode_with_the_archive(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside.bin"
    outside.write_bytes(os.urandom(LARGE))
    os.link(outside, place.inbox / "linked.bin")

    place.once()

    (digest,) = place.objects()
    assert (place.archive.directory / "sha256" / digest[:2] / digest).stat().st_ino != outside.stat().st_ino


def test_nothing_of_a_content_is_logged(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secret = b"SECRET" * (SMALL // 6)
    place.drop("evil\n\x1b[31m.csv", secret)

    place.once()

    assert "SECRET" not in caplog.text
    assert all(message.isprintable() for message in (record.getMessage() for record in caplog.records))
