"""The database of the store, hard-linked into a source, is refused and never opened.

Whoever opens a file and closes it lets go of every lock that the process holds
on it, also under another name: another process would then take itself for the
last one and remove the log that we write to.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.store import departures
from ingest.store.foreign import OwnFile, open_foreign
from ingest.store.sightings import Look
from ingest.watch.seeing.root import tuple_of
from tests.store.backends import only_on
from tests.watch.meanwhile import just_before
from tests.watch.mounts import tmpfs
from tests.watch.place import Place
from tests.watch.test_by_hand import by_hand
from tests.watch.test_refusals import refused

pytestmark = only_on("sqlite", "a store on a server is no file that could be linked")

PARTS = ("", "-shm")  # those with locks
_LAST = """
import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM landings").fetchone())
"""


def part(place: Place, which: str) -> Path:
    return place.store.path.with_name(place.store.path.name + which)


def link(place: Place, which: str, name: str) -> Path:
    """The part of the database has another name in the inbox."""
    path = place.inbox / name
    path.hardlink_to(part(place, which))
    return path


def seen_by_another_process(place: Place) -> int:
    """How many landings another process sees; its connection is closed with it."""
    command = [sys.executable, "-c", _LAST, str(place.store.path)]
    return int(subprocess.run(command, check=True, capture_output=True).stdout)


def check_locks(place: Place) -> None:
    """Fail unless a process that comes and goes leaves the log that we write to."""
    log = part(place, "-wal").stat().st_ino
    before = seen_by_another_process(place)
    assert part(place, "-wal").stat().st_ino == log
    place.drop("later.csv", os.urandom(8))
    place.once()
    assert seen_by_another_process(place) == before + 1


@pytest.mark.parametrize("which", [*PARTS, "-wal"])
def test_a_link_to_the_database_is_refused_once_and_no_lock_is_let_go(place: Place, which: str) -> None:
    place.drop("good.csv")
    place.once()
    link(place, which, "x.csv")

    counts = [place.once().refused for _ in range(3)]

    assert counts == [1, 0, 0]
    assert refused(place) == [("x.csv", "own")]
    check_locks(place)


@pytest.mark.parametrize("which", PARTS)
@pytest.mark.parametrize(
    ("complete", "name"), [("marker", "a.csv.done"), ("manifest", "all.sha256"), ("renamed", "a.csv")]
)
def test_neither_a_marker_nor_a_manifest_may_be_the_database(
    place: Place, which: str, complete: str, name: str
) -> None:
    place.set(complete=complete)
    link(place, which, name)

    place.once()
    place.once()

    assert refused(place) == [(name, "own")]
    place.set(complete="stable")
    (place.inbox / name).unlink()
    check_locks(place)


@pytest.mark.parametrize("which", PARTS)
def test_a_person_cannot_land_the_database_by_hand(place: Place, which: str) -> None:
    answer = by_hand(place, link(place, which, "x.csv"))

    assert answer.standing is None
    assert answer.said.startswith("own: ")
    (place.inbox / "x.csv").unlink()
    check_locks(place)


@pytest.mark.parametrize("which", PARTS)
@pytest.mark.parametrize("after", ["delete", "move"])
def test_the_database_in_the_place_of_a_file_that_leaves_is_not_opened(
    place: Place, which: str, after: str
) -> None:
    place.set(after="delete" if after == "delete" else f"move:{place.root / 'done'}")
    path = place.drop("a.csv")

    def swap() -> None:
        path.unlink()
        link(place, which, "a.csv")

    with just_before("os.rename", swap):
        place.once()

    path.unlink(missing_ok=True)
    place.set(after="keep")
    check_locks(place)


@pytest.mark.parametrize("which", PARTS)
def test_the_database_where_a_file_is_to_be_moved_is_neither_opened_nor_replaced(
    place: Place, which: str
) -> None:
    done = place.root / "done"
    done.mkdir()
    place.set(after=f"move:{done}")
    (done / "a.csv").hardlink_to(part(place, which))
    place.drop("a.csv")

    summary = place.once()

    assert (summary.landed, summary.failed) == (1, 0)
    assert len(list(done.iterdir())) == 2
    (done / "a.csv").unlink()
    place.set(after="keep")
    check_locks(place)


def nothing() -> None:
    """The moment is let go by."""


@pytest.mark.parametrize("moment", [1, 2])
@pytest.mark.parametrize("which", PARTS)
def test_a_file_that_becomes_the_database_as_it_is_opened_is_what_it_was(
    place: Place, which: str, moment: int
) -> None:
    path = place.drop("a.csv", b"what it was")
    inodes: list[int] = []

    def swap() -> None:
        path.unlink()
        link(place, which, "a.csv")

    handle = -1
    acts: list[Callable[[], None]] = [nothing, swap][2 - moment :]
    with just_before("open", acts[0]):
        if moment == 1:
            with pytest.raises(OwnFile):
                open_foreign(str(path), place.store.path)
        else:
            with just_before("open", acts[1]):
                handle = open_foreign(str(path), place.store.path)
                inodes.append(os.fstat(handle).st_ino)

    assert part(place, which).stat().st_ino not in inodes
    if handle >= 0:
        assert os.read(handle, 100) == b"what it was"
        os.close(handle)
    path.unlink()
    check_locks(place)


def test_the_database_is_never_written_to_in_the_place_of_a_copy(place: Place) -> None:
    """Where a file is copied to another filesystem, what another watcher left half done is taken over."""
    done = place.root / "done"
    done.mkdir()
    with tmpfs(place.inbox, size="1m"):
        place.set(after=f"move:{done}")
        path = place.inbox / "a.csv"
        path.write_bytes(b"data")
        look = Look(b"a.csv", tuple_of(path.lstat()))
        piece = done / f".{departures.ticket_of('acme', look)}.moving"
        piece.hardlink_to(place.store.path)
        size = place.store.path.stat().st_size

        summary = place.once()

        assert (summary.landed, summary.failed) == (1, 1)
        assert place.store.path.stat().st_size >= size
        piece.unlink()
        assert place.once().failed == 0
        assert (done / "a.csv").read_bytes() == b"data"
