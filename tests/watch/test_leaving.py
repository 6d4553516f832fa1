"""Files that leave their source once they have landed, and no other file ever does."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.errors import CannotWrite
from ingest.store import departures
from ingest.store.sightings import Look
from ingest.watch.names import private_name, rename_without_replacing, ticket_in
from ingest.watch.seeing.root import tuple_of
from tests.watch.meanwhile import just_before
from tests.watch.mounts import overlay, tmpfs
from tests.watch.place import LARGE, Place, until

DUE = "SELECT count(*) FROM departures WHERE ended_at IS NULL"
OUTCOMES = "SELECT path, outcome FROM departures ORDER BY since, path"


def names(folder: Path) -> list[str]:
    """Everything below `folder` that is not a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def moving(place: Place, to: Path | None = None) -> Path:
    """The source moves its files to the directory that is returned."""
    done = to or place.root / "done"
    place.set(after=f"move:{done}")
    return done


def contents_of(place: Place) -> list[bytes]:
    """The bytes of every landing, in the order in which they landed."""
    found = []
    for (digest,) in place.rows("SELECT sha256 FROM landings ORDER BY position"):
        with place.archive.open(digest) as file:
            found.append(file.read())
    return found


def test_a_file_that_is_to_be_deleted_is_gone_once_it_has_landed(place: Place) -> None:
    place.set(after="delete")
    place.drop("a.csv", b"a")
    place.drop("sub/large.bin", os.urandom(LARGE))

    summary = place.once()

    assert (summary.landed, summary.failed) == (2, 0)
    assert names(place.inbox) == []
    assert place.rows(OUTCOMES) == [(b"a.csv", "deleted"), (b"sub/large.bin", "deleted")]


def test_a_copy_that_a_dead_watcher_left_half_made_is_gone_also_when_its_file_has_changed(
    place: Place,
) -> None:
    with tmpfs(place.root / "done", size="16k") as done:
        moving(place, done)
        (done / "filler").write_bytes(bytes(16384))
        place.drop("sub/a.csv", os.urandom(LARGE))
        place.once()
        (private,) = (place.inbox / "sub").iterdir()
        (done / "filler").unlink()
        ticket = ticket_in(os.fsencode(private.name))
        (done / "sub" / f".{ticket}.moving").write_bytes(b"half")
        private.write_bytes(b"written to meanwhile")

        place.once()
        place.once()

        assert names(done) == ["sub/a.csv"]


def test_a_file_that_is_to_be_moved_lies_at_the_same_path_elsewhere(place: Place) -> None:
    done = moving(place)
    place.drop("a.csv", b"a")
    place.drop("sub/b.csv", b"b")

    place.once()

    assert names(place.inbox) == []
    assert names(done) == ["a.csv", "sub/b.csv"]
    assert (done / "sub/b.csv").read_bytes() == b"b"
    assert place.one("SELECT outcome FROM departures WHERE path = :path", path=b"a.csv") == (
        f"moved to {done / 'a.csv'}"
    )


def test_a_file_that_stays_leaves_no_trace_of_leaving(place: Place) -> None:
    path = place.drop("a.csv", b"a")

    place.once()

    assert path.exists()
    assert place.rows("SELECT * FROM departures") == []


def test_a_directory_within_the_source_that_files_are_moved_to_is_not_scanned(place: Place) -> None:
    done = moving(place, place.inbox / "sub" / "done")
    place.drop("sub/a.csv", b"a")

    place.once()
    again = place.once()

    assert names(done) == ["sub/a.csv"]
    assert (again.landed, again.redelivered) == (0, 0)
    assert place.landed() == [(b"sub/a.csv", 1)]


def test_files_sent_again_and_copies_leave_too(place: Place) -> None:
    place.set(after="delete")
    for _ in range(2):
        place.drop("a.csv", b"a")
        place.drop("copy.csv", b"a")
        place.once()

    assert names(place.inbox) == []
    assert place.landed() == [(b"a.csv", 1), (b"copy.csv", 1)]
    assert place.one("SELECT redelivered FROM sources") == 2


def test_what_has_landed_and_was_to_stay_is_not_touched_when_the_setting_changes(place: Place) -> None:
    path = place.drop("a.csv", b"a")
    place.once()
    place.set(after="delete")

    place.once()

    assert path.exists()


def test_what_is_refused_stays(place: Place) -> None:
    place.set(after="delete")
    (place.inbox / "link.csv").symlink_to("/etc/passwd")

    place.once()

    assert names(place.inbox) == ["link.csv"]


@pytest.mark.parametrize("other", [b"other bytes", b"otherbyte"])
def test_a_file_never_replaces_another_where_it_is_moved_to(place: Place, other: bytes) -> None:
    done = moving(place)
    done.mkdir()
    (done / "a.csv").write_bytes(other)
    place.drop("a.csv", b"new bytes")

    place.once()

    assert (done / "a.csv").read_bytes() == other
    (beside,) = [name for name in names(done) if name != "a.csv"]
    assert beside.startswith("a-")
    assert beside.endswith(".csv")
    assert (done / beside).read_bytes() == b"new bytes"


def test_the_same_bytes_are_not_moved_twice(place: Place) -> None:
    done = moving(place)
    for _ in range(2):
        place.drop("a.csv", b"a")
        place.once()

    assert names(done) == ["a.csv"]
    assert names(place.inbox) == []


@pytest.mark.parametrize("name", [b"x" * 255, b"\xff\n\x1b[31m.csv", b"-rf", b"a" * 250 + b".csv"])
def test_any_name_can_leave(place: Place, name: bytes) -> None:
    done = moving(place)
    for data in (b"one", b"two"):
        place.drop(name, data)
        place.once()

    moved = [os.fsencode(path.name) for path in done.iterdir()]
    assert len(moved) == 2
    assert name in moved
    assert names(place.inbox) == []


def test_a_file_is_moved_to_another_filesystem_whole(place: Place) -> None:
    large = os.urandom(3 << 20)
    with tmpfs(place.root / "elsewhere", size="16m") as elsewhere:
        done = moving(place, elsewhere / "done")
        path = place.drop("large.bin", large)
        os.utime(path, ns=(10**18, 10**18))
        path.chmod(0o640)
        place.drop("small.csv", b"small")

        place.once()

        assert names(done) == ["large.bin", "small.csv"]
        assert (done / "large.bin").read_bytes() == large
        found = (done / "large.bin").stat()
        assert (found.st_mtime_ns, found.st_mode & 0o777) == (10**18, 0o640)
    assert names(place.inbox) == []


def test_a_disk_that_is_full_where_files_are_moved_to_is_said_and_waited_for(place: Place) -> None:
    with tmpfs(place.root / "elsewhere", size="1m") as elsewhere:
        done = moving(place, elsewhere / "done")
        filler = elsewhere / "filler"
        filler.write_bytes(bytes(900 << 10))
        data = os.urandom(512 << 10)
        place.drop("large.bin", data)
        with place.watching():
            until(lambda: place.rows("SELECT state FROM sources") == [("degraded",)])
            assert "large.bin: No space left" in place.one("SELECT error FROM sources")
            assert place.one("SELECT error FROM departures") == "No space left on device"
            assert names(done) == []

            filler.unlink()

            until(lambda: place.one(DUE) == 0)
            until(lambda: place.rows("SELECT state FROM sources") == [("ok",)])
        assert names(done) == ["large.bin"]
        assert (done / "large.bin").read_bytes() == data
    assert names(place.inbox) == []
    assert place.one("SELECT failures FROM departures") < 10


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_disk_that_is_not_mounted_any_more_where_files_are_moved_to_is_said_and_waited_for(
    place: Place, below: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is put where the disk was mounted; a run that begins without it cannot know."""
    disk = place.root / "disk"
    layers = place.root / "layers"
    moving(place, disk / below)
    place.set(rescan=timedelta(seconds=0.2))
    disk.mkdir()
    with tmpfs(layers, size="1m"), ExitStack() as mounted:
        mounted.enter_context(overlay(disk, layers=layers))
        with place.watching():
            place.drop("first.csv", b"first")
            until(lambda: names(place.inbox) == [])
            mounted.close()
            place.drop("a.csv", b"a")
            until(lambda: place.rows("SELECT state FROM sources") == [("degraded",)])
            beneath = names(disk)
            with overlay(disk, layers=layers):
                until(lambda: names(place.inbox) == [])
                moved = names(disk)
            until(lambda: place.rows("SELECT state FROM sources") == [("ok",)])

    assert beneath == []
    assert f"nothing is mounted at {disk} any more" in caplog.text
    assert moved == [f"{below}/{name}".lstrip("/") for name in ("a.csv", "first.csv")]


def test_a_run_in_which_a_file_cannot_leave_has_failed(place: Place) -> None:
    done = moving(place)
    done.mkdir()
    (done / "sub").write_bytes(b"in the way")
    place.drop("sub/a.csv", b"a")

    summary = place.once()

    assert (summary.landed, summary.failed) == (1, 1)
    (done / "sub").unlink()
    assert place.once().failed == 0
    assert names(done) == ["sub/a.csv"]


def test_files_that_can_leave_do_while_others_cannot(place: Place) -> None:
    done = moving(place)
    done.mkdir()
    (done / "sub").write_bytes(b"in the way")
    for number in range(40):
        place.drop(f"sub/{number}.csv", b"%d" % number)
    place.once()
    for number in range(40):
        place.drop(f"well/{number}.csv", b"well %d" % number)

    place.once()

    assert len(names(done)) == 41


@pytest.mark.parametrize("after", ["delete", "move"])
def test_a_file_sent_again_as_the_first_leaves_is_not_lost(place: Place, after: str) -> None:
    moving(place)
    if after == "delete":
        place.set(after=after)
    place.drop("a.csv", b"first")

    with just_before("os.rename", lambda: place.drop("a.csv", b"second")):
        place.once()
    place.once()

    assert place.landed() == [(b"a.csv", 1), (b"a.csv", 2)]
    assert contents_of(place) == [b"first", b"second"]
    assert names(place.inbox) == []


def test_a_file_sent_again_just_as_its_forerunner_has_been_checked_is_not_lost(place: Place) -> None:
    place.set(after="delete")
    place.drop("a.csv", b"first")

    with just_before("os.remove", lambda: place.drop("a.csv", b"second")):
        place.once()

    place.once()
    assert contents_of(place) == [b"first", b"second"]
    assert names(place.inbox) == []


def test_bytes_written_in_place_between_landing_and_leaving_are_not_lost(place: Place) -> None:
    place.set(after="delete")
    path = place.drop("a.csv", b"first")
    seen = path.stat()

    def overwrite() -> None:
        with path.open("r+b") as file:
            file.write(b"other")
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))  # as on a filesystem with coarse times

    with just_before("os.rename", overwrite):
        place.once()
    place.once()

    assert contents_of(place) == [b"first", b"other"]
    assert names(place.inbox) == []


def test_a_file_that_somebody_has_opened_for_writing_meanwhile_stays_until_he_is_done(place: Place) -> None:
    place.set(after="delete")
    path = place.drop("a.csv", b"first")
    writers = []

    with just_before("os.rename", lambda: writers.append(path.open("ab"))):
        place.once()
    assert names(place.inbox) == ["a.csv"]
    writers[0].write(b" and more")
    writers[0].close()
    place.once()

    assert contents_of(place) == [b"first", b"first and more"]
    assert names(place.inbox) == []


def hide(place: Place, path: Path, ticket: str) -> Path:
    """As if a watcher had died right after it renamed the file."""
    private = path.parent / os.fsdecode(private_name(os.fsencode(path.name), ticket))
    path.rename(private)
    return private


def owed(place: Place, name: str, data: bytes) -> str:
    """A file has landed, and its watcher died before it could leave; returns the ticket."""
    place.set(after="keep")
    path = place.inbox / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    place.once()
    found = tuple_of(path.lstat())
    look = Look(os.fsencode(name), found)
    digest = place.one("SELECT sha256 FROM landings WHERE path = :path", path=os.fsencode(name))
    with place.store.write() as tx:
        departures.owe(tx, "acme", [departures.Owed(look, digest)], now=place.now())
    return departures.ticket_of("acme", look)


def test_what_a_watcher_that_died_left_under_a_private_name_leaves(place: Place) -> None:
    ticket = owed(place, "a.csv", b"a")
    hide(place, place.inbox / "a.csv", ticket)
    done = moving(place)

    place.once()

    assert names(place.inbox) == []
    assert names(done) == ["a.csv"]
    assert place.one(DUE) == 0


def test_what_a_watcher_that_died_left_is_found_once_its_directory_is_back(place: Place) -> None:
    ticket = owed(place, "a.csv", b"a")
    hide(place, place.inbox / "a.csv", ticket)
    away = place.root / "away"
    place.inbox.rename(away)
    place.set(after="delete", rescan=timedelta(seconds=0.2))
    with place.watching():
        until(lambda: place.rows("SELECT state FROM sources") == [("unavailable",)])
        assert place.one(DUE) == 1

        away.rename(place.inbox)

        until(lambda: place.one(DUE) == 0)
    assert names(place.inbox) == []


def test_a_file_that_somebody_has_open_for_writing_waits_at_its_path(place: Place) -> None:
    owed(place, "a.csv", b"a")
    place.set(after="delete")
    with (place.inbox / "a.csv").open("ab"):
        assert place.once().failed == 1
        assert names(place.inbox) == ["a.csv"]

    assert place.once().redelivered == 0

    assert names(place.inbox) == []


@pytest.mark.parametrize("policy", ["suppress", "refuse"])
def test_copies_that_are_suppressed_leave_and_those_refused_stay(place: Place, policy: str) -> None:
    place.set(after="delete", duplicates=policy)
    place.drop("a.csv", b"a")
    place.once()
    place.drop("copy.csv", b"a")

    place.once()
    place.once()

    assert names(place.inbox) == ([] if policy == "suppress" else ["copy.csv"])
    assert place.landed() == [(b"a.csv", 1)]


def test_another_file_under_a_private_name_has_its_own_again(place: Place) -> None:
    ticket = owed(place, "a.csv", b"first")
    (place.inbox / "a.csv").unlink()
    hide(place, place.drop("a.csv", b"second"), ticket)
    place.set(after="delete")

    place.once()
    place.once()

    assert contents_of(place) == [b"first", b"second"]
    assert names(place.inbox) == []


def test_another_file_under_a_private_name_lands_where_its_own_is_taken(place: Place) -> None:
    ticket = owed(place, "a.csv", b"first")
    (place.inbox / "a.csv").unlink()
    hide(place, place.drop("a.csv", b"second"), ticket)
    place.drop("a.csv", b"third")
    done = moving(place)

    place.once()
    place.once()

    assert sorted(contents_of(place)) == [b"first", b"second", b"third"]
    assert names(place.inbox) == []
    assert sorted((done / name).read_bytes() for name in names(done)) == [b"second", b"third"]


def test_what_was_owed_is_kept_when_the_setting_says_so_now(place: Place) -> None:
    owed(place, "a.csv", b"a")
    ticket = owed(place, "b.csv", b"b")
    hide(place, place.inbox / "b.csv", ticket)

    place.once()

    assert names(place.inbox) == ["a.csv", "b.csv"]
    assert place.one(DUE) == 0


def test_a_private_name_of_another_store_is_shown_and_left_alone(place: Place) -> None:
    place.set(after="delete")
    private = hide(place, place.drop("a.csv", b"a"), "0" * 24)

    place.once()

    assert names(place.inbox) == [private.name]
    assert "about to leave" in place.one("SELECT reason FROM sightings WHERE state = 'blocked'")


def test_a_folder_that_went_with_its_files_is_no_fault(place: Place) -> None:
    owed(place, "sub/a.csv", b"a")
    shutil.rmtree(place.inbox / "sub")
    place.set(after="delete")

    assert place.once().failed == 0

    assert place.rows(OUTCOMES) == [(b"sub/a.csv", "gone")]


def test_nothing_is_concluded_from_an_empty_mount_point(place: Place) -> None:
    inbox = place.inbox
    with tmpfs(inbox, size="1m"):
        owed(place, "a.csv", b"a")
    place.set(after="delete")

    assert place.once().failed == 1

    assert place.one(DUE) == 1


def test_private_names_are_told_from_others_and_fit() -> None:
    ticket = "0123456789abcdef01234567"
    for name in (b"a", b"x" * 255, b"\xff\n"):
        private = private_name(name, ticket)
        assert len(private) <= 255
        assert private.startswith(b".")
        assert ticket_in(private) == ticket
        assert private != private_name(name, ticket)
    assert ticket_in(b".a.csv.leaving") is None


def test_a_rename_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    handle = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(FileExistsError):
        rename_without_replacing(b"a", b"b", old_folder=handle, new_folder=handle)

    rename_without_replacing(b"a", b"c", old_folder=handle, new_folder=handle)

    os.close(handle)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"b": "b", "c": "a"}


def test_a_source_that_cannot_be_written_is_refused_at_the_start(place: Place) -> None:
    place.set(after="delete")
    with tmpfs(place.inbox, size="1m", options="ro"), pytest.raises(CannotWrite, match="cannot be written"):
        place.once()


def test_a_directory_to_move_to_that_cannot_be_made_is_refused_at_the_start(place: Place) -> None:
    (place.root / "done").write_text("in the way")
    moving(place)

    with pytest.raises(CannotWrite, match="cannot be made"):
        place.once()
