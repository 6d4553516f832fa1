"""One file, taken while somebody does something to it: whole, or not at all.

What happens in the middle of a copy is done by the question whether to stop,
which is asked between two chunks.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.archive import Abandoned
from ingest.store.sightings import Look
from ingest.watch.landing.admission import Admission
from ingest.watch.landing.take import Manner, NotTaken, Taken, ignore_lease_breaks, take
from ingest.watch.seeing.root import Root, tuple_of
from ingest.watch.seeing.scan import Refusal
from tests.watch.place import Place, as_nobody

MIB = 1 << 20
LONG = b"x" * (3 * MIB)


def manner(place: Place, meanwhile: Callable[[], object] = lambda: None) -> Manner:
    """How files are taken; `meanwhile` happens once, when the first chunk of a large file was read."""
    happened: list[object] = []

    def should_stop() -> bool:
        if not happened:
            happened.append(meanwhile())
        return False

    ignore_lease_breaks()
    return Manner(
        archive=place.archive,
        inline_max=2000,
        owner=lambda: "watcher-0",
        should_stop=should_stop,
        complete="stable",
        leases=True,
        admission=Admission(place.settings.sources[0]),
    )


def look(path: Path) -> Look:
    return Look(os.fsencode(path.name), tuple_of(path.lstat()))


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def taken(place: Place, seen: Look, how: Manner | None = None) -> Taken | NotTaken | Refusal:
    with opened(place.inbox) as folder:
        return take(folder, seen, how or manner(place))


def word(found: Taken | NotTaken | Refusal) -> str:
    return found.word if isinstance(found, NotTaken) else "taken"


def test_a_quiet_file_is_taken_and_its_proof_named(place: Place) -> None:
    found = taken(place, look(place.drop("a.csv", b"data")))

    assert isinstance(found, Taken)
    assert (found.data, found.sha256) == (b"data", hashlib.sha256(b"data").hexdigest())
    assert found.complete == "stable+lease"


def test_a_file_somebody_holds_open_for_writing_is_left_alone(place: Place) -> None:
    path = place.drop("a.csv", b"first half, ")

    with path.open("ab"):
        held = taken(place, look(path))
    released = taken(place, look(path))

    assert (word(held), word(released)) == ("held", "taken")


def test_a_reader_does_not_keep_a_file_from_being_taken(place: Place) -> None:
    path = place.drop("a.csv", b"data")

    with path.open("rb"):
        found = taken(place, look(path))

    assert word(found) == "taken"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file of another user")
def test_for_a_file_of_another_user_quiet_time_is_the_proof(place: Place) -> None:
    path = place.drop("a.csv", b"data")
    path.chmod(0o644)
    seen, how = look(path), manner(place)

    with opened(place.inbox) as folder:
        place.inbox.chmod(0o755)
        with as_nobody():
            found = take(folder, seen, how)

    assert isinstance(found, Taken)
    assert found.complete == "stable"


def test_a_file_that_changed_since_it_was_seen_is_not_taken(place: Place) -> None:
    path = place.drop("a.csv", b"data")
    seen = look(path)
    place.drop("a.csv", b"other data")

    assert word(taken(place, seen)) == "changed"


def test_a_file_that_is_gone_is_gone(place: Place) -> None:
    path = place.drop("a.csv", b"data")
    seen = look(path)
    path.unlink()

    assert word(taken(place, seen)) == "gone"


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: p.symlink_to("/etc/passwd"), os.mkdir])
def test_a_file_swapped_for_something_else_is_neither_read_nor_waited_for(
    place: Place, make: Callable[[Path], None]
) -> None:
    path = place.drop("a.csv", b"data")
    seen = look(path)
    path.unlink()
    make(path)

    assert word(taken(place, seen)) == "changed"


def test_another_file_renamed_over_it_while_it_is_read_does_not_mix_the_two(place: Place) -> None:
    path = place.drop("a.bin", LONG)
    how = manner(place, lambda: place.drop("a.bin", b"y" * len(LONG)))

    found = taken(place, look(path), how)

    assert isinstance(found, Taken)
    assert found.sha256 == hashlib.sha256(LONG).hexdigest()
    assert found.staged is not None
    place.archive.objects.discard([found.staged])


def test_a_file_deleted_while_it_is_read_is_still_whole(place: Place) -> None:
    path = place.drop("a.bin", LONG)

    found = taken(place, look(path), manner(place, path.unlink))

    assert isinstance(found, Taken)
    assert found.staged is not None
    assert found.staged.size == len(LONG)
    place.archive.objects.discard([found.staged])


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


@pytest.mark.parametrize("change", [appended, overwritten, lambda path: os.truncate(path, 5)])
def test_a_file_changed_while_it_is_read_goes_back_and_leaves_nothing(
    place: Place, change: Callable[[Path], None]
) -> None:
    path = place.drop("a.bin", LONG)

    found = taken(place, look(path), manner(place, lambda: change(path)))

    assert word(found) == "changed"
    assert place.unfinished() == []


def test_bytes_changed_and_the_mtime_set_back_are_noticed(place: Place) -> None:
    path = place.drop("a.bin", LONG)
    before = path.stat()

    def forge() -> None:
        overwritten(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert word(taken(place, look(path), manner(place, forge))) == "changed"


def test_a_file_that_grows_faster_than_it_is_read_does_not_hold_up_the_others(place: Place) -> None:
    path = place.drop("a.log", LONG)
    how = manner(place)

    def grow() -> bool:
        os.truncate(path, path.stat().st_size + 2 * MIB)
        return False

    how.should_stop = grow

    assert word(taken(place, look(path), how)) == "changed"
    assert place.unfinished() == []


def test_a_file_that_grows_beyond_max_size_while_it_is_copied_is_refused(place: Place) -> None:
    place.set(max_size=len(LONG) + 1)
    path = place.drop("grows.bin", LONG)

    first = taken(place, look(path), manner(place, lambda: appended(path)))
    second = taken(place, look(path))

    assert word(first) == "changed"
    assert isinstance(second, Refusal)
    assert second.reason == "too_large"
    assert place.unfinished() == []


def test_a_copy_is_given_up_when_the_watcher_is_to_stop(place: Place) -> None:
    path = place.drop("a.bin", LONG)
    how = manner(place)
    how.should_stop = lambda: True

    with pytest.raises(Abandoned):
        taken(place, look(path), how)
    assert place.unfinished() == []


def test_an_archive_that_cannot_be_written_leaves_the_file_where_it_is(place: Place) -> None:
    path = place.drop("a.bin", LONG)
    place.archive.directory.mkdir()
    (place.archive.directory / "tmp").write_text("in the way")

    found = taken(place, look(path))

    assert word(found) == "unwritable"
    assert path.exists()


def test_a_folder_swapped_for_a_link_leads_nowhere(place: Place, tmp_path: Path) -> None:
    place.drop("below/a.csv", b"data")
    root = Root(place.inbox)
    root.hold()
    (place.inbox / "below").rename(tmp_path / "away")
    (place.inbox / "below").symlink_to("/etc")

    with pytest.raises(OSError, match="directory"):
        root.open_folder(b"below")
    assert root.look(b"below/passwd") is None
    root.release()
