"""What happens between the look for what may go and its going is seen; objects go while others land."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ingest.archive import Archive
from ingest.errors import TryAgain
from ingest.store import burying, retiring, runs
from ingest.store.runs import Run
from ingest.store.schema import contents
from ingest.store.selection import Selection
from ingest.watch.landing.land import land
from tests.archive import test_letting_go as letting
from tests.archive.test_letting_go import (
    LATER,
    ORIGIN,
    commit,
    drop,
    is_kept,
    is_sound,
    let_go,
    subscribed,
    taken,
)
from tests.store.replaying import start
from tests.store.stage import NOON, fill, work_off

AGAIN = timedelta(days=2)
PATIENCE = 30.0  # seconds
HOLD = """
import sys
from pathlib import Path
from ingest.store.opening import open_store

with open_store(sys.argv[1], Path(sys.argv[2])) as store, store.removing():
    print("removing", flush=True)
    sys.stdin.read()
"""
archive = letting.archive  # the fixture: every store, and each place of objects


def a_run(archive: Archive) -> Run:
    with archive.store.write() as tx:
        return runs.begin(tx, who="ann", reason="", cutoff=LATER, now=LATER)


def look(archive: Archive) -> tuple[Run, retiring.Found]:
    """What might go, which is all there is."""
    run = a_run(archive)
    found = retiring.look(archive.store, run, 0)
    assert len(found.ids) > 0
    return run, found


def test_bytes_that_land_again_after_the_look_stay(archive: Archive) -> None:
    sha256, other = drop(archive, "a", b"bytes"), drop(archive, "c", b"other")
    run, found = look(archive)
    drop(archive, "b", b"bytes")  # its landing is as old: what counts is that it came since

    assert retiring.take(archive.store, run, found) == retiring.Taken(contents=1, bytes=5)

    assert is_kept(archive, sha256)
    assert not is_kept(archive, other)


def test_bytes_that_are_suppressed_after_the_look_stay_for_whoever_hears_of_it(archive: Archive) -> None:
    sha256 = drop(archive, "a", b"bytes")
    run, found = look(archive)
    origin = replace(ORIGIN, duplicates="suppress")
    with archive.store.write() as tx:
        again = taken(archive, "b", b"bytes", None)
        land(tx, origin, lambda _path, _stat: True, [again], leaves=False, now=NOON)

    assert retiring.take(archive.store, run, found) == retiring.Taken()

    assert is_kept(archive, sha256)


def test_bytes_that_a_replay_asks_for_after_the_look_stay(archive: Archive) -> None:
    sha256 = drop(archive, "a", b"bytes")
    work_off(archive.store, subscribed(archive.store))
    run, found = look(archive)
    start(archive.store, Selection(), replay_id="r1")
    fill(archive.store)

    assert retiring.take(archive.store, run, found) is None
    assert list(retiring.retire(archive.store, run)) == []

    assert is_kept(archive, sha256)


def test_bytes_of_a_file_that_is_to_leave_after_the_look_stay(archive: Archive) -> None:
    sha256 = drop(archive, "a", b"bytes")
    run, found = look(archive)
    with archive.store.write() as tx:
        same = taken(archive, "a", b"bytes", None)
        delivered = same._replace(look=same.look._replace(stat=same.look.stat._replace(ctime_ns=2)))
        came = land(tx, ORIGIN, lambda _path, _stat: True, [delivered], leaves=True, now=NOON)
    assert came.counts.redelivered == 1

    assert retiring.take(archive.store, run, found) == retiring.Taken()

    assert is_kept(archive, sha256)


def test_an_event_whose_bytes_come_back_or_is_asked_for_after_the_look_says_what_it_said(
    archive: Archive,
) -> None:
    drop(archive, "a", b"bytes")
    live = subscribed(archive.store)
    work_off(archive.store, live)
    let_go(archive, "contents")
    run = a_run(archive)
    found = burying.look(archive.store, run, 0)
    assert len(found.positions) == 1

    drop(archive, "b", b"bytes", at=AGAIN)
    assert burying.take(archive.store, run, found) == 0
    start(archive.store, Selection(), replay_id="r1")

    assert burying.take(archive.store, run, found) is None


def test_while_objects_are_removed_others_land_and_the_same_bytes_are_put_off(
    archive: Archive, tmp_path: Path
) -> None:
    sha256 = drop(archive, "a", b"bytes", tmp_path)
    list(retiring.retire(archive.store, a_run(archive)))

    def remove(digests: Sequence[str]) -> None:
        drop(archive, "other", b"other bytes", tmp_path, at=AGAIN)
        again = taken(archive, "b", b"bytes", tmp_path)
        with pytest.raises(TryAgain):
            commit(archive, again, at=AGAIN)
        archive.objects.remove(digests)
        with pytest.raises(TryAgain):
            commit(archive, taken(archive, "b", b"bytes", tmp_path), at=AGAIN)

    assert retiring.leave(archive.store, remove) == 1

    drop(archive, "b", b"bytes", tmp_path, at=AGAIN)
    assert is_kept(archive, sha256)
    assert is_sound(archive)


def test_bytes_that_land_inline_while_their_object_is_removed_stay(archive: Archive, tmp_path: Path) -> None:
    sha256 = drop(archive, "a", b"bytes", tmp_path)
    list(retiring.retire(archive.store, a_run(archive)))

    def remove(digests: Sequence[str]) -> None:
        drop(archive, "b", b"bytes", at=AGAIN)
        archive.objects.remove(digests)

    assert retiring.leave(archive.store, remove) == 1

    with archive.store.read() as tx:
        assert tx.execute(select(contents.c.state)).scalars().all() == ["kept"]
    assert is_kept(archive, sha256)
    assert is_sound(archive)


def test_an_object_that_is_landed_upon_at_that_moment_is_not_removed(
    archive: Archive, tmp_path: Path
) -> None:
    sha256 = drop(archive, "a", b"bytes", tmp_path)
    list(retiring.retire(archive.store, a_run(archive)))
    leaving = threading.Thread(target=lambda: retiring.leave(archive.store, archive.objects.remove))
    again = taken(archive, "b", b"bytes", tmp_path)
    with archive.store.write() as tx:
        came = land(tx, ORIGIN, lambda _path, _stat: True, [again], leaves=False, now=NOON + AGAIN)
        archive.expect(tx, came.objects_again)
        leaving.start()
        leaving.join(0.5)  # it waits for the landing; where it does not, it removes the object here
        assert leaving.is_alive()
    leaving.join()

    assert is_kept(archive, sha256)
    assert is_sound(archive)


def test_who_removes_is_known_by_everyone_until_it_has_ended_or_was_killed(archive: Archive) -> None:
    def is_removing() -> bool:
        with archive.store.write() as tx:
            return archive.store.is_removing(tx)

    assert not is_removing()
    with archive.store.removing():
        assert is_removing()
    assert not is_removing()

    arguments = [sys.executable, "-c", HOLD, archive.store.url, str(archive.store.local)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # ours
        assert other.stdout is not None
        assert other.stdout.readline() == b"removing\n"
        assert is_removing()
        other.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while is_removing():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
