"""Bytes are kept once, privately, and handed out only when they are what they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.archive import verify
from ingest.errors import ArchiveDamaged, NotFound
from tests.archive.inbox import Inbox, inbox

SMALL, LARGE = b"small", b"large" * 50_000


@pytest.fixture
def landed(tmp_path: Path) -> Iterator[Inbox]:
    """A small file, kept inline, and a large one, kept as an object; made under an open umask."""
    former = os.umask(0)
    made = inbox(tmp_path / "p")
    made.drop("small.csv", SMALL)
    made.drop("large.csv", LARGE)
    made.drop("copy.csv", LARGE)
    made.land()
    os.umask(former)
    yield made
    made.store.close()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def the_object(landed: Inbox) -> Path:
    return landed.archive.directory / "sha256" / digest(LARGE)[:2] / digest(LARGE)


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_bytes_come_back_long_after_the_file_is_gone(landed: Inbox, data: bytes) -> None:
    for name in ("small.csv", "large.csv", "copy.csv"):
        landed.path(name).unlink()

    with landed.archive.open(digest(data)) as file:
        assert file.read() == data


def test_equal_bytes_are_kept_once_and_nobody_else_can_read_them(landed: Inbox) -> None:
    everything = list(landed.archive.directory.rglob("*"))

    assert [p for p in everything if p.is_file()] == [the_object(landed)]
    assert all(p.stat().st_mode & 0o077 == 0 for p in [landed.archive.directory, *everything])


def test_damaged_objects_are_refused_and_reported(landed: Inbox) -> None:
    the_object(landed).chmod(0o600)
    the_object(landed).write_bytes(LARGE[:-1] + b"X")

    with pytest.raises(ArchiveDamaged):
        landed.archive.open(digest(LARGE))
    report = verify(landed.archive)
    assert report.damaged == [digest(LARGE)]
    assert not report.is_sound


def test_missing_objects_are_refused_and_reported(landed: Inbox) -> None:
    the_object(landed).unlink()

    with pytest.raises(ArchiveDamaged):
        landed.archive.open(digest(LARGE))
    assert verify(landed.archive).missing == [digest(LARGE)]


def test_damaged_inline_bytes_are_refused_and_reported(landed: Inbox) -> None:
    with landed.store.write() as tx:
        tx.exec_driver_sql("UPDATE contents SET bytes = ? WHERE sha256 = ?", (b"smalX", digest(SMALL)))

    with pytest.raises(ArchiveDamaged):
        landed.archive.open(digest(SMALL))
    assert verify(landed.archive).damaged == [digest(SMALL)]


def test_what_never_landed_is_not_found(landed: Inbox) -> None:
    with pytest.raises(NotFound):
        landed.archive.open("0" * 64)
