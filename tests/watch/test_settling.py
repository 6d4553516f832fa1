"""Files that are not complete yet: they wait, they are seen to wait, and they are given up when they go."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from ingest.domain.settling import Policy, Reading, StatTuple
from ingest.store.sightings import Look
from ingest.watch.landing.take import NotTaken
from ingest.watch.pending import Entry, Pending
from ingest.watch.settling import Settling
from tests.store.stage import NOON
from tests.watch.place import Place, age, until

QUIET = timedelta(seconds=0.4)


def entry(due: float) -> Entry:
    return Entry(stat=StatTuple(1, 1, 1, "1:1"), since=due, since_at=NOON, due=due, reason="", scanned=0)


def test_a_file_that_settles_within_one_quiet_time_lands_in_the_same_run(place: Place) -> None:
    place.set(quiet=QUIET)
    place.drop("a.csv")

    summary = place.once()

    assert (summary.landed, summary.waiting) == (1, 0)


def test_a_file_long_quiet_lands_at_once(place: Place) -> None:
    place.set(quiet=timedelta(seconds=2))
    age(place.drop("a.csv"), seconds=2.1)

    summary = place.once()

    assert summary.landed == 1
    assert summary.seconds < 2, "it did not wait for the quiet time again"


def test_a_file_still_held_open_for_writing_is_counted_as_waiting(place: Place) -> None:
    place.set(quiet=QUIET)
    path = place.drop("a.csv", b"half")

    with path.open("ab") as writer:
        held = place.once()
        writer.write(b", whole")
    landed = place.once()

    assert (held.landed, held.waiting, held.failed) == (0, 1, 0)
    assert landed.landed == 1
    assert [event.data["size"] for event in place.events()] == [len(b"half, whole")]


def test_a_file_written_in_bursts_lands_once_and_whole(place: Place) -> None:
    place.set(quiet=QUIET)
    path = place.inbox / "slow.csv"

    with place.watching():
        for number in range(6):
            with path.open("ab") as file:
                file.write(b"%d\n" % number)
            age(path, seconds=0.2)
        until(lambda: len(place.landed()) == 1)

    assert [event.data["size"] for event in place.events()] == [12]


def test_what_waits_is_known_to_the_store_and_forgotten_when_it_goes(place: Place) -> None:
    place.set(quiet=timedelta(seconds=60), rescan=timedelta(seconds=0.2))
    path = place.drop("slow.csv")

    with place.watching():
        until(lambda: place.rows("SELECT state FROM sightings") == [("settling",)])
        path.unlink()
        until(lambda: place.rows("SELECT * FROM sightings") == [])


def test_what_another_watcher_left_settling_is_forgotten_when_it_is_gone(place: Place) -> None:
    place.set(quiet=timedelta(seconds=60))
    path = place.drop("slow.csv")
    with place.watching():
        until(lambda: place.rows("SELECT state FROM sightings") == [("settling",)])
    path.unlink()

    place.once()

    assert place.rows("SELECT * FROM sightings") == []


def test_what_had_landed_shows_again_when_its_replacement_goes(place: Place) -> None:
    age(place.drop("a.csv", b"first"), seconds=0.1)
    place.once()
    place.set(quiet=timedelta(seconds=60), rescan=timedelta(seconds=0.2))
    path = place.drop("a.csv", b"second")

    with place.watching():
        until(lambda: place.rows("SELECT state FROM sightings") == [("settling",)])
        path.unlink()
        until(lambda: place.rows("SELECT state, version FROM sightings") == [("landed", 1)])


def test_renamed_files_land_as_they_appear(place: Place) -> None:
    place.set(complete="renamed", quiet=timedelta(seconds=60))
    place.drop("a.csv.part").rename(place.inbox / "a.csv")

    assert place.once().landed == 1
    assert place.events()[0].data["complete"] == "renamed"


def test_a_file_that_keeps_changing_is_not_tried_without_pause(place: Place) -> None:
    settling = Settling(Policy(complete="renamed", quiet=0))
    look = Look(b"a", StatTuple(1, 1, 1, "1:1"))
    now = Reading(monotonic=100, wall_ns=time.time_ns(), is_steady=True)

    settling.put_back(NotTaken(look, "changed", "it changed"), now, at=NOON, scan=1)

    due = settling.pending.next_due()
    assert due is not None
    assert due > 100.2


def test_a_file_the_archive_refuses_is_tried_ever_more_rarely(place: Place) -> None:
    settling = Settling(Policy(complete="stable", quiet=0))
    left = NotTaken(Look(b"a", StatTuple(1, 1, 1, "1:1")), "unwritable", "disk full")
    pauses, now = [], Reading(monotonic=0, wall_ns=0, is_steady=True)
    for monotonic in range(100, 1000, 100):
        now = Reading(monotonic=monotonic, wall_ns=time.time_ns(), is_steady=True)
        settling.put_back(left, now, at=NOON, scan=1)
        pauses.append((settling.pending.next_due() or 0) - monotonic)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert not settling.is_ready(left.look, now, at=NOON, scan=2)


def test_due_files_are_named_once_each_in_order() -> None:
    pending = Pending()
    for path, due in ((b"late", 30.0), (b"soon", 10.0), (b"next", 20.0)):
        pending.put(path, entry(due))
    pending.postpone(b"next", 20.0)

    assert [look.path for look in pending.take_due(25)] == [b"soon", b"next"]
    assert pending.take_due(25) == []
    assert pending.next_due() == 30


def test_what_was_in_hand_when_something_went_wrong_is_due_again() -> None:
    pending = Pending()
    pending.put(b"a", entry(10))
    pending.take_due(10)

    pending.release(11)

    assert [look.path for look in pending.take_due(11)] == [b"a"]


def test_what_finds_no_room_is_left_to_the_next_scan_which_is_soon() -> None:
    pending = Pending(room=10)
    for number in range(12):
        pending.put(b"%d" % number, entry(number))
    assert (len(pending), pending.has_room_again()) == (10, False)

    for number in range(3):
        pending.remove(b"%d" % number)

    assert [pending.has_room_again(), pending.has_room_again()] == [True, False]


def test_the_store_is_told_of_each_waiting_file_once() -> None:
    pending = Pending()
    pending.put(b"a", entry(10))
    pending.put(b"b", entry(20))

    assert pending.tell_at(1) == 11
    assert [path for path, _ in pending.untold(10)] == [b"a"]
    pending.told([b"a"])
    assert pending.untold(10) == []
    pending.remove(b"b")
    assert pending.tell_at(1) is None


def test_a_file_of_another_filesystem_than_its_source_proves_nothing_by_ctime(tmp_path: Path) -> None:
    settling = Settling(Policy(complete="stable", quiet=2))
    settling.local_device = 7
    now = Reading(monotonic=100, wall_ns=10**18, is_steady=True)

    ready = {
        device: settling.is_ready(
            Look(b"%d" % device, StatTuple(1, 1, 1, f"{device}:1")), now, at=NOON, scan=1
        )
        for device in (7, 77)
    }

    assert ready == {7: True, 77: False}
