"""A watcher at work beside the test: files land as they come, and outside faults do not end it."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.errors import CannotWrite, NotFound, StoreReplaced, UsageError
from ingest.watch.landing.take import ignore_lease_breaks
from ingest.watch.once import Summary, watch_once
from ingest.watch.seeing.hints import Hints
from ingest.watch.seeing.inotify import Inotify
from ingest.watch.seeing.scans import Rounds
from tests.store.backends import only_on
from tests.watch.place import LARGE, Place, full_disk, until

NEVER = timedelta(hours=1)


@pytest.fixture(autouse=True)
def lease_breaks_are_ignored() -> None:
    ignore_lease_breaks()  # as the main thread of a watcher does


def test_a_file_renamed_in_lands_long_before_the_next_scan(place: Place) -> None:
    place.set(rescan=NEVER)
    with place.watching():
        until(lambda: place.rows("SELECT last_scan_at FROM sources WHERE last_scan_at > 0") != [])

        place.drop("a.csv")

        until(lambda: place.landed() == [(b"a.csv", 1)])
    assert place.one("SELECT mode FROM sources") == "notify"


def test_a_file_written_in_place_lands_when_its_writer_closes_it(place: Place) -> None:
    place.set(rescan=NEVER)
    with place.watching():
        until(lambda: place.rows("SELECT last_scan_at FROM sources WHERE last_scan_at > 0") != [])

        (place.inbox / "a.csv").write_bytes(b"written in place")

        until(lambda: place.landed() == [(b"a.csv", 1)])


def test_files_in_folders_made_meanwhile_land_without_a_scan(place: Place, tmp_path: Path) -> None:
    place.set(rescan=NEVER)
    populated = tmp_path / "populated"
    (populated / "deep").mkdir(parents=True)
    for name in ("1.csv", "deep/2.csv"):
        (populated / name).write_text(name)
    with place.watching():
        until(lambda: place.rows("SELECT last_scan_at FROM sources WHERE last_scan_at > 0") != [])

        populated.rename(place.inbox / "moved-in")
        (place.inbox / "made").mkdir()
        until(lambda: len(place.landed()) == 2)
        place.drop("made/3.csv", b"3")
        place.drop("moved-in/deep/4.csv", b"4")

        until(lambda: len(place.landed()) == 4)


def test_a_folder_that_moved_is_known_by_its_new_name(place: Place) -> None:
    place.set(rescan=NEVER)
    (place.inbox / "before").mkdir()
    with place.watching():
        until(lambda: place.rows("SELECT last_scan_at FROM sources WHERE last_scan_at > 0") != [])
        (place.inbox / "before").rename(place.inbox / "after")
        place.drop("sign.csv", b"sign")
        until(lambda: place.landed() == [(b"sign.csv", 1)])

        place.drop("after/a.csv", b"a")

        until(lambda: (b"after/a.csv", 1) in place.landed())


def test_a_burst_lands_whole(place: Place, tmp_path: Path) -> None:
    place.set(rescan=timedelta(seconds=1))
    outside = tmp_path / "burst"
    outside.mkdir()
    for number in range(3000):
        (outside / f"{number}.csv").write_bytes(b"%d" % number)

    with place.watching():
        for path in outside.iterdir():
            path.rename(place.inbox / path.name)
        until(lambda: place.rows("SELECT count(*) FROM events") == [(3000,)])

    assert place.one("SELECT count(DISTINCT path) FROM landings") == 3000


def test_a_polled_source_needs_no_notifications(place: Place) -> None:
    place.set(mode="poll", rescan=timedelta(seconds=0.1))
    with place.watching():
        place.drop("a.csv")
        until(lambda: place.landed() == [(b"a.csv", 1)])
    assert place.one("SELECT mode FROM sources") == "poll"


def test_a_watcher_is_listed_while_it_lives(place: Place) -> None:
    with place.watching():
        until(lambda: place.rows("SELECT kind, state FROM workers") == [("watcher", "active")])

    assert place.rows("SELECT kind, state FROM workers") == [("watcher", "stopped")]


def test_a_watcher_taken_for_dead_goes_on_under_another_name(place: Place) -> None:
    with place.watching():
        until(lambda: place.rows("SELECT state FROM workers") == [("active",)])
        with place.store.write() as tx:
            tx.exec_driver_sql("UPDATE workers SET state = 'stale'")
        until(lambda: len(place.rows("SELECT id FROM workers WHERE state = 'active'")) == 1)
        place.drop("large.bin", os.urandom(LARGE))
        until(lambda: len(place.landed()) == 1)


def test_a_directory_that_vanishes_is_said_and_comes_back_by_itself(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.drop("before.csv", b"before")
    with place.watching():
        until(lambda: len(place.landed()) == 1)
        shutil.rmtree(place.inbox)
        until(lambda: place.rows("SELECT state FROM sources") == [("unavailable",)])
        assert "inbox" in place.one("SELECT error FROM sources")

        place.inbox.mkdir()
        place.drop("after.csv", b"after")

        until(lambda: len(place.landed()) == 2)
        until(lambda: place.rows("SELECT state, error FROM sources") == [("ok", "")])
    lost = [record for record in caplog.records if "cannot be read" in record.message]
    assert [record.levelname for record in lost] == ["ERROR"]
    assert place.one("SELECT count(*) FROM sightings") == 2


def test_a_directory_that_is_not_there_yet_is_waited_for(place: Place) -> None:
    place.inbox.rmdir()
    with place.watching():
        until(lambda: place.rows("SELECT state FROM sources") == [("unavailable",)])
        place.inbox.mkdir()
        place.drop("a.csv")
        until(lambda: place.landed() == [(b"a.csv", 1)])


def test_one_run_over_a_directory_that_is_not_there_has_failed(place: Place) -> None:
    place.inbox.rmdir()

    assert place.once().failed == 1


def test_one_lost_directory_does_not_hold_up_another(place: Place, tmp_path: Path) -> None:
    first = place.settings.sources[0]
    lost = replace(first, name="lost", path=tmp_path / "nowhere")
    place.settings = replace(place.settings, sources=(lost, first))
    with place.watching():
        written = tmp_path / "written"
        written.write_bytes(b"a")
        written.rename(first.path / "a.csv")
        until(lambda: place.landed() == [(b"a.csv", 1)])


def test_an_archive_that_cannot_be_written_is_waited_for_and_small_files_go_on(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.archive.directory.mkdir()
    obstacle = place.archive.directory / "tmp"
    obstacle.write_text("in the way")
    place.set(rescan=timedelta(seconds=0.2))
    with place.watching():
        large = place.drop("a-large.bin", os.urandom(LARGE))
        place.drop("small.csv", b"small")
        until(lambda: place.landed() == [(b"small.csv", 1)])
        until(lambda: place.rows("SELECT state FROM sources") == [("degraded",)])
        assert large.exists()

        obstacle.unlink()

        until(lambda: len(place.landed()) == 2)
        until(lambda: place.rows("SELECT state FROM sources") == [("ok",)])
    assert len([record for record in caplog.records if "cannot write the archive" in record.message]) == 1


def test_one_run_counts_a_file_the_archive_refuses_as_failed(place: Place) -> None:
    place.archive.directory.mkdir()
    (place.archive.directory / "tmp").write_text("in the way")
    place.drop("large.bin", os.urandom(LARGE))

    summary = place.once()

    assert (summary.landed, summary.waiting, summary.failed) == (0, 0, 1)


@only_on("sqlite", "the disk that is full is the store's")
def test_a_disk_that_is_full_for_a_while_loses_nothing(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with place.watching():
        until(lambda: place.rows("SELECT last_scan_at FROM sources WHERE last_scan_at > 0") != [])
        with full_disk():
            place.drop("a.csv")
            until(lambda: "trying again" in caplog.text)
        assert place.landed() == []

        until(lambda: place.landed() == [(b"a.csv", 1)])
    assert "can be written again" in caplog.text


@only_on("sqlite", "the disk that is full is the store's")
def test_one_run_on_a_full_disk_fails_and_the_next_one_lands(place: Place) -> None:
    place.once()
    place.drop("a.csv")
    place.drop("large.bin", os.urandom(LARGE))
    with full_disk(room=20_000), pytest.raises(CannotWrite):
        place.once()

    assert place.once().landed == 2
    assert place.unfinished() == []


def test_a_large_file_the_disk_has_no_room_for_leaves_nothing_behind(place: Place) -> None:
    place.drop("small.csv", b"small")
    place.drop("large.bin", os.urandom(1 << 20))
    with full_disk(room=600_000):
        summary = place.once()

    assert (summary.landed, summary.failed) == (1, 1)
    assert place.unfinished() == []
    assert place.once().landed == 1


@only_on("sqlite", "a database on a server is no file that could be replaced")
def test_a_store_that_was_replaced_ends_the_watcher(place: Place) -> None:
    with pytest.raises(StoreReplaced), place.watching():  # noqa: PT012  # it ends while others act
        until(lambda: place.rows("SELECT last_scan_at FROM sources WHERE last_scan_at > 0") != [])
        shutil.copy(place.store.path, place.store.path.with_suffix(".copy"))
        place.store.path.with_suffix(".copy").rename(place.store.path)
        (place.inbox / "a.csv").write_bytes(b"a")
        until(lambda: not any(t.name == "watcher-beat" for t in threading.enumerate()))


def test_two_watchers_on_one_directory_land_each_file_once(place: Place) -> None:
    for number in range(600):
        (place.inbox / f"{number}.csv").write_bytes(b"%d" % number)
    (place.inbox / "large.bin").write_bytes(os.urandom(LARGE))
    summaries: list[Summary] = []

    threads = [threading.Thread(target=lambda: summaries.append(place.once())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(summary.landed for summary in summaries) == 601
    assert sum(summary.redelivered for summary in summaries) == 0
    assert place.one("SELECT count(*) FROM events") == 601


def test_notifications_that_die_begin_anew(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.set(rescan=NEVER)
    with place.watching():
        until(lambda: place.rows("SELECT last_scan_at FROM sources WHERE last_scan_at > 0") != [])
        (reader,) = [thread for thread in threading.enumerate() if type(thread).__name__ == "_Reader"]
        reader.stop()  # type: ignore[attr-defined]  # watchdog's
        reader.join()

        place.drop("a.csv")

        until(lambda: place.landed() == [(b"a.csv", 1)])
        until(lambda: "begin anew" in caplog.text)


def test_only_the_sources_named_are_watched(place: Place, tmp_path: Path) -> None:
    first = place.settings.sources[0]
    (tmp_path / "other").mkdir()
    other = replace(first, name="other", path=tmp_path / "other")
    place.settings = replace(place.settings, sources=(first, other))
    (tmp_path / "other" / "b.csv").write_bytes(b"b")
    place.drop("a.csv", b"a")

    summary = watch_once(place.store, place.archive, place.settings, sources=["other"], stop=place.stop)

    assert summary.landed == 1
    assert place.rows("SELECT source FROM landings") == [("other",)]


def test_an_unknown_source_and_no_source_at_all_are_errors(place: Place) -> None:
    with pytest.raises(NotFound):
        watch_once(place.store, place.archive, place.settings, sources=["nobody"], stop=place.stop)
    place.settings = replace(place.settings, sources=())
    with pytest.raises(UsageError):
        place.once()


def test_a_watcher_that_is_to_stop_takes_nothing_more(place: Place) -> None:
    place.drop("a.csv")
    place.stop.set()

    assert place.once().landed == 0


def test_hints_that_find_no_room_leave_a_gap() -> None:
    wake = threading.Event()
    hints = Hints(wake, room=2)
    for name in (b"a", b"b", b"b", b"c"):
        hints.add(name)

    assert wake.is_set()
    assert hints.take() == ({b"a", b"b"}, True)
    assert hints.take() == (set(), False)


def test_the_kernel_s_overflow_is_a_gap(tmp_path: Path) -> None:
    hints = Hints(threading.Event())
    notifier = Inotify()
    followed = notifier.followed(hints, is_recursive=True)

    followed.on_queue_overflow()

    assert hints.take() == (set(), True)
    notifier.stop()


def test_what_is_missed_while_a_scan_runs_is_found_by_another_one() -> None:
    rounds = Rounds()
    rounds.begin(iter(()))
    rounds.at_once(999.0)

    rounds.end(1000.0, 30.0)

    assert rounds.due_at == 1000


def test_a_dear_scan_is_repeated_less_often() -> None:
    rounds = Rounds()
    rounds.begin(iter(()))
    rounds._cpu = 2.0

    rounds.end(1000.0, 30.0)
    assert rounds.due_at == 1200
    rounds.at_once(1001.0)
    assert rounds.due_at == 1020
