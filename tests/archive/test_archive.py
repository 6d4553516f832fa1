"""Bytes come back exactly, or not at all."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.archive.verifying import verify
from ingest.errors import ArchiveDamaged, NotFound, UsageError
from ingest.store.presence import Presence, directory_of
from tests.archive.places import Behind
from tests.watch.place import LARGE, Place

SMALL_DATA, LARGE_DATA = b"small", (bytes(range(256)) * (LARGE // 256 + 1))[:LARGE]
SMALL, BIG = (hashlib.sha256(data).hexdigest() for data in (SMALL_DATA, LARGE_DATA))

PEAK = """
import sys, tracemalloc
from ingest.archive import Archive
from ingest.archive.verifying import verify
from ingest.config import location
from ingest.store.opening import open_store

archive = Archive(open_store(f"sqlite:///{sys.argv[1]}"), location(sys.argv[2]))
verify(archive)
tracemalloc.start()
verify(archive)
print(tracemalloc.get_traced_memory()[1])
"""


@pytest.fixture
def filled(place: Place) -> Place:
    place.drop("small.csv", SMALL_DATA)
    place.drop("large.bin", LARGE_DATA)
    place.once()
    return place


def spoil_inline(place: Place, sha256: str) -> None:
    with place.store.write() as tx:
        tx.exec_driver_sql("UPDATE contents SET bytes = x'21' WHERE sha256 = ?", (sha256,))


@pytest.mark.parametrize(("sha256", "data"), [(SMALL, SMALL_DATA), (BIG, LARGE_DATA)])
def test_a_content_reads_back_and_can_be_sought_in(filled: Place, sha256: str, data: bytes) -> None:
    with filled.archive.open(sha256) as file:
        assert file.read() == data
        file.seek(1)
        assert file.read() == data[1:]


def test_bytes_that_were_damaged_are_not_handed_out(filled: Place, behind: Behind) -> None:
    behind.spoil(BIG)
    spoil_inline(filled, SMALL)

    for sha256 in (BIG, SMALL):
        with pytest.raises(ArchiveDamaged, match=sha256) as raised:
            filled.archive.open(sha256)
        assert "backup" in raised.value.hint


def test_an_object_that_is_missing_is_damage_too(filled: Place, behind: Behind) -> None:
    behind.remove(BIG)

    with pytest.raises(ArchiveDamaged, match=BIG):
        filled.archive.open(BIG)


def test_a_digest_that_never_landed_is_not_found(filled: Place) -> None:
    with pytest.raises(NotFound):
        filled.archive.open("0" * 64)


def test_a_sound_archive_verifies(filled: Place) -> None:
    report = verify(filled.archive)

    assert report.is_sound
    assert (report.checked, report.bytes) == (2, len(SMALL_DATA) + LARGE)
    assert report.orphans == report.unfinished == []


def test_what_is_damaged_or_missing_is_named(filled: Place, behind: Behind) -> None:
    spoil_inline(filled, SMALL)
    behind.remove(BIG)

    report = verify(filled.archive)

    assert (report.damaged, report.missing, report.is_sound) == ([SMALL], [BIG], False)


def test_parts_of_a_verification_make_a_whole(place: Place) -> None:
    for number in range(20):
        place.drop(f"{number}.csv", b"%d" % number)
    place.once()

    checked = [verify(place.archive, (part, 3)).checked for part in (1, 2, 3)]

    assert sum(checked) == 20
    assert max(checked) < 20
    with pytest.raises(UsageError):
        verify(place.archive, (4, 3))


def test_an_object_without_a_landing_is_an_orphan_once_it_is_old(filled: Place) -> None:
    with filled.store.write() as tx:
        tx.exec_driver_sql("DELETE FROM contents WHERE sha256 = ?", (BIG,))

    assert verify(filled.archive).orphans == []
    assert verify(filled.archive, grace=0).orphans == [BIG]


@pytest.mark.parametrize("behind", ["directory"], indirect=True)  # an object store lists by pages
def test_what_a_verification_takes_of_memory_does_not_grow_with_the_archive(
    filled: Place, behind: Behind
) -> None:
    few = peak_of_verifying(filled)
    for number in range(64):
        for digest in range(100):
            behind.put(f"{number:02x}{digest:062x}", b"")

    many = peak_of_verifying(filled)

    assert many < few + 2**18  # the names of all would take four times as much


def peak_of_verifying(place: Place) -> int:
    """Bytes, in a process of its own: what other tests left in this one is not counted."""
    where = [str(place.store.path), place.archive.objects.place]
    done = subprocess.run([sys.executable, "-c", PEAK, *where], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_half_written_files_of_the_living_and_of_other_hosts_are_nobody_s_business(
    filled: Place, tmp_path: Path
) -> None:
    tmp, workers = filled.archive.directory / "tmp", directory_of(filled.store.path)
    with Presence(workers, "watcher") as dead:
        pass
    with (
        Presence(workers, "watcher") as living,
        Presence(tmp_path / "another host" / "workers", "watcher") as elsewhere,
    ):
        for owner in (living, dead, elsewhere):
            (tmp / f"{owner.id}.0123").write_bytes(b"half")

        assert verify(filled.archive).unfinished == [f"{dead.id}.0123"]
        assert filled.archive.sweep() == [f"{dead.id}.0123"]
        assert sorted(filled.unfinished()) == sorted([f"{living.id}.0123", f"{elsewhere.id}.0123"])


def test_a_delivery_of_lost_bytes_brings_the_object_back(filled: Place, behind: Behind) -> None:
    behind.remove(BIG)
    filled.drop("again.bin", LARGE_DATA)

    filled.once()

    assert verify(filled.archive).is_sound
