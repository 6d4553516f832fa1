"""Objects: whole before they have a name, private, and never left half written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.archive.directory import DirectoryObjects as Objects
from ingest.archive.staging import Staged
from ingest.errors import CannotWrite
from tests.watch.place import mode_of

DATA = os.urandom(3_000_000)
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "deep" / "archive")


@pytest.fixture
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def staged(objects: Objects, data: bytes = DATA, owner: str = "watcher-1") -> Staged:
    source = objects.directory.parent.parent / "source"
    source.write_bytes(data)
    handle = os.open(source, os.O_RDONLY)
    try:
        return objects.stage(handle, owner, expected=len(data), should_stop=lambda: False)
    finally:
        os.close(handle)


def unfinished(objects: Objects) -> list[str]:
    return [name for name, _ in objects.staging.unfinished()]


def test_what_is_staged_has_no_name_yet_and_what_is_stored_has(objects: Objects) -> None:
    one = staged(objects)
    assert list(objects.shards()) == []

    objects.store([one])

    assert list(objects.shards()) == [[DIGEST]]
    assert objects.path_of(DIGEST).read_bytes() == DATA
    assert unfinished(objects) == []


def test_the_same_bytes_twice_are_one_object(objects: Objects) -> None:
    objects.store([staged(objects), staged(objects)])
    objects.store([staged(objects)])

    assert list(objects.shards()) == [[DIGEST]]
    assert objects.path_of(DIGEST).read_bytes() == DATA
    assert unfinished(objects) == []


@pytest.mark.parametrize("damage", [DATA[:5], bytes(len(DATA))], ids=["cut short", "zeros"])
def test_an_object_that_was_damaged_is_made_whole_by_the_next_delivery(
    objects: Objects, damage: bytes
) -> None:
    objects.store([staged(objects)])
    objects.path_of(DIGEST).write_bytes(damage)

    objects.store([staged(objects)])

    assert objects.path_of(DIGEST).read_bytes() == DATA


def test_what_is_discarded_is_gone_however_often(objects: Objects) -> None:
    one = staged(objects)

    objects.discard([one])
    other = os.open("/dev/null", os.O_RDONLY)
    objects.discard([one])

    assert unfinished(objects) == []
    os.fstat(other)  # a descriptor of somebody else's was not closed in its place
    os.close(other)


def test_everything_is_private_whatever_the_umask(objects: Objects, careless_umask: None) -> None:
    objects.store([staged(objects)])

    made = [objects.directory, *objects.directory.rglob("*")]
    assert {mode_of(path) for path in made if path.is_dir()} == {0o700}
    assert {mode_of(path) for path in made if path.is_file()} == {0o600}


def test_only_what_the_dead_left_is_swept(objects: Objects) -> None:
    staged(objects, owner="watcher-dead")
    living = staged(objects, owner="watcher-alive")

    swept = objects.staging.sweep(is_dead=lambda owner: owner == "watcher-dead")

    assert len(swept) == 1
    assert unfinished(objects) == [living.tmp.name]


def test_a_directory_that_cannot_be_written_is_said_in_one_line(objects: Objects) -> None:
    objects.directory.mkdir(parents=True)
    (objects.directory / "tmp").write_text("in the way")

    with pytest.raises(CannotWrite, match="archive") as raised:
        staged(objects)

    assert "nothing was lost" in raised.value.hint


def test_a_name_that_cannot_be_given_leaves_nothing_staged(objects: Objects) -> None:
    one = staged(objects)
    (objects.directory / "sha256" / DIGEST[:2]).write_text("in the way")

    with pytest.raises(CannotWrite):
        objects.store([one])

    assert unfinished(objects) == []


@pytest.mark.parametrize("tail", [b"", b"end"])
def test_holes_take_no_room(objects: Objects, tail: bytes) -> None:
    data = b"head" + bytes(64 << 20) + tail

    objects.store([staged(objects, data)])

    path = objects.path_of(hashlib.sha256(data).hexdigest())
    assert path.read_bytes() == data
    assert path.stat().st_blocks * 512 <= 4 << 20
