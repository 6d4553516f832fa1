"""A gap in watching is a fact, and so is the scan that closes it; an ordinary scan is none."""

from __future__ import annotations

import gc
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.domain.codec import typed
from ingest.domain.events import ReconcileCompleted, WatchGapDetected
from ingest.watch.clock import Clock
from ingest.watch.gaps import Gaps
from ingest.watch.landing.drafts import origin_of
from ingest.watch.seeing.hints import Hints
from ingest.watch.watcher import Watcher
from tests.crash.pipeline import CONFIG, pipeline, wait_until
from tests.patience import PATIENCE
from tests.watch.mounts import tmpfs
from tests.watch.place import Place, until

OFTEN = timedelta(seconds=0.2)
SCANNED = "SELECT count(*) FROM sources WHERE last_scan_at > 0"


def gaps(place: Place) -> list[tuple[str, int, str]]:
    """What was stated of gaps: class, number and reason, in order."""
    found: list[Any] = [typed(event) for event in place.events() if event.type.startswith("ingest.watch.")]
    return [(type(fact).__name__, fact.number, fact.reason) for fact in found]


def both(reason: str, number: int = 1) -> list[tuple[str, int, str]]:
    return [("WatchGapDetected", number, reason), ("ReconcileCompleted", number, reason)]


def test_scans_alone_are_no_gaps(place: Place) -> None:
    place.set(mode="poll", rescan=timedelta(seconds=0.05))
    with place.watching():
        place.drop("a.csv")
        until(lambda: place.landed() == [(b"a.csv", 1)] and place.one(SCANNED) == 1)
        first = place.one("SELECT last_scan_at FROM sources")
        until(lambda: place.one("SELECT last_scan_at FROM sources") > first + 1_000_000)

    assert gaps(place) == []


@pytest.mark.parametrize("mode", ["notify", "poll"])
def test_a_directory_that_was_away_is_a_gap_until_it_was_scanned(place: Place, mode: str) -> None:
    place.set(mode=mode, rescan=OFTEN)
    away = place.root / "away"
    with place.watching():
        until(lambda: place.one(SCANNED) == 1)
        place.inbox.rename(away)
        until(lambda: gaps(place) == both("unavailable")[:1])
        (away / "meanwhile.csv").write_bytes(b"meanwhile")

        away.rename(place.inbox)

        until(lambda: gaps(place) == both("unavailable"))
        until(lambda: place.landed() == [(b"meanwhile.csv", 1)])
    gap, reconciled = [event for event in place.events() if event.type.startswith("ingest.watch.")]
    assert (reconciled.causationid, reconciled.data["gap"]) == (gap.id, gap.id)
    assert gap.partitionkey == reconciled.partitionkey == "acme"
    assert reconciled.data["entries"] == 1


def test_a_directory_in_place_of_another_is_a_gap(place: Place) -> None:
    with place.watching():
        until(lambda: place.one(SCANNED) == 1)
        with tmpfs(place.inbox, size="1m"):  # there at once, as no rename of two directories is
            (place.inbox / ".b.part").write_bytes(b"b")
            (place.inbox / ".b.part").rename(place.inbox / "b.csv")
            until(lambda: gaps(place) == both("replaced"))
            until(lambda: place.landed() == [(b"b.csv", 1)])


def test_notifications_that_found_no_room_are_a_gap(place: Place) -> None:
    place.set(rescan=timedelta(hours=1))
    with place.watching():
        until(lambda: place.one(SCANNED) == 1)
        for inbox in _hints():
            inbox.overflow()

        until(lambda: gaps(place) == both("overflow"))


def _hints() -> list[Any]:
    return [found for found in gc.get_objects() if isinstance(found, Hints)]


def test_notifications_that_died_are_a_gap(place: Place) -> None:
    place.set(rescan=timedelta(hours=1))
    with place.watching():
        until(lambda: place.one(SCANNED) == 1)
        (reader,) = [thread for thread in threading.enumerate() if type(thread).__name__ == "_Reader"]
        reader.stop()  # type: ignore[attr-defined]  # watchdog's
        reader.join()
        place.drop("a.csv")

        until(lambda: gaps(place) == both("notifier"))


def test_a_watcher_that_was_suspended_states_a_gap(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p", CONFIG.replace('lease = "30s"', 'lease = "1s"'))
    watcher = project.start("watch")
    try:
        wait_until(lambda: project.rows(SCANNED) == [(1,)], "it watches")
        watcher.send_signal(signal.SIGSTOP)
        threading.Event().wait(1.5)  # that is the fault itself
        watcher.send_signal(signal.SIGCONT)

        wait_until(
            lambda: project.rows("SELECT count(*) FROM events WHERE type LIKE 'ingest.watch.%'") == [(2,)],
            "gap and scan are stated",
        )
        assert project.rows("SELECT reason FROM gaps") == [("suspended",)]
    finally:
        watcher.send_signal(signal.SIGTERM)
        watcher.communicate(timeout=PATIENCE)
    assert watcher.returncode == 0


def test_two_watchers_that_find_one_gap_state_it_once_and_one_closes_it(place: Place) -> None:
    one, other = _gaps(place), _gaps(place)
    place.once()
    for watcher in (one, other):
        watcher.note("unavailable")
        watcher.tell()
    for watcher in (one, other):
        watcher.begin_scan()

    for watcher in (one, other):
        with place.store.write() as tx:
            watcher.end_scan(tx, entries=0, now=place.now())

    assert gaps(place) == both("unavailable")


def test_a_scan_that_began_before_a_gap_does_not_close_it(place: Place) -> None:
    watcher = _gaps(place)
    place.once()
    watcher.begin_scan()
    watcher.note("overflow")
    watcher.tell()
    with place.store.write() as tx:
        watcher.end_scan(tx, entries=0, now=place.now())
    assert gaps(place) == both("overflow")[:1]

    watcher.begin_scan()
    with place.store.write() as tx:
        watcher.end_scan(tx, entries=0, now=place.now())

    assert gaps(place) == both("overflow")


def test_a_gap_of_a_watcher_that_died_is_closed_by_the_next_and_the_next_gap_is_another(place: Place) -> None:
    place.once()
    died = _gaps(place)
    died.note("overflow")
    died.tell()

    place.once()
    again = _gaps(place)
    again.note("notifier")
    again.tell()
    place.once()

    assert gaps(place) == [*both("overflow", 1), *both("notifier", 2)]
    facts = [typed(event) for event in place.events()]
    assert {type(fact) for fact in facts} == {WatchGapDetected, ReconcileCompleted}


def _gaps(place: Place) -> Gaps:
    watcher = Watcher(
        store=place.store,
        archive=place.archive,
        settings=place.settings,
        clock=Clock(place.store.now),
        owner=lambda: "watcher-0",
        should_stop=lambda: False,
    )
    return Gaps(watcher, origin_of(place.settings, place.settings.sources[0]))
