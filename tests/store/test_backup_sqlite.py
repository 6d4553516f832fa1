"""A copy of a store that is written to: whole, private, and never in the place of anything."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ingest.errors import CannotWrite, StoreUnusable
from ingest.store import backup, integrity
from ingest.store.engine import Store
from ingest.store.opening import open_store
from ingest.store.reading import verifying
from ingest.store.sqlite.engine import SqliteStore
from tests.store.stage import land


def opened(path: Path) -> Store:
    return open_store(f"sqlite:///{path}")


def test_a_copy_opens_is_sound_and_holds_every_event_of_its_instant(store: Store, tmp_path: Path) -> None:
    land(store, *map(str, range(50)))

    made = backup.back_up(store, tmp_path / "copy.db")

    with opened(tmp_path / "copy.db") as copy:
        assert verifying.verify(copy).events == made.head_position == 50
        assert integrity.check(copy).is_sound


def test_writes_go_on_while_it_is_made_and_it_is_of_the_instant_at_which_it_began(
    store: Store, tmp_path: Path
) -> None:
    land(store, *map(str, range(3000)))
    written: list[int] = []

    def write(_done: int, _total: int) -> None:
        written.extend(land(store, f"late-{len(written)}"))

    made = backup.back_up(store, tmp_path / "copy.db", advance=write)

    assert len(written) > 1
    with opened(tmp_path / "copy.db") as copy:
        assert verifying.verify(copy).holds
        with copy.read() as tx:
            assert verifying.count(tx) == made.head_position == 3000


def test_it_ends_however_fast_others_write(store: Store, tmp_path: Path) -> None:
    land(store, *map(str, range(3000)))
    is_over = threading.Event()

    def write() -> None:
        n = 0
        while not is_over.is_set():
            n += 1
            land(store, f"other-{n}", key="other")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backup.back_up(store, tmp_path / "copy.db")
    finally:
        is_over.set()
        writer.join()

    with opened(tmp_path / "copy.db") as copy:
        assert verifying.verify(copy).holds


def test_it_is_private_whatever_the_umask_and_one_file_alone(store: Store, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "backups").mkdir()
        backup.back_up(store, tmp_path / "backups" / "copy.db")
    finally:
        os.umask(before)

    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["copy.db"]
    assert (tmp_path / "backups" / "copy.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("what", ["file", "folder", "dangling link", "store"])
def test_nothing_that_stands_is_overwritten(store: Store, tmp_path: Path, what: str) -> None:
    target = tmp_path / "copy.db"
    if what == "store":
        target = store.path
    elif what == "file":
        target.write_text("mine")
    elif what == "folder":
        target.mkdir()
    else:
        target.symlink_to(tmp_path / "elsewhere.db")
    stood = sorted(tmp_path.iterdir())

    with pytest.raises(CannotWrite, match="File exists"):
        backup.back_up(store, target)

    assert sorted(tmp_path.iterdir()) == stood
    assert what != "file" or target.read_text() == "mine"


def test_what_somebody_else_puts_there_meanwhile_stays(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"

    with pytest.raises(CannotWrite, match="File exists"):
        backup.back_up(store, target, advance=lambda _done, _total: target.touch())

    assert target.stat().st_size == 0


def test_nothing_is_left_of_one_that_is_interrupted(store: Store, tmp_path: Path) -> None:
    stood = sorted(tmp_path.iterdir())

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup.back_up(store, tmp_path / "copy.db", advance=interrupt)

    assert sorted(tmp_path.iterdir()) == stood


def test_a_directory_that_is_not_there_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file or directory"):
        backup.back_up(store, tmp_path / "nowhere" / "copy.db")


def test_a_damaged_store_gives_no_copy(store: Store, tmp_path: Path) -> None:
    land(store, *map(str, range(500)))
    store.close()
    with store.path.open("r+b") as file:
        for page in range(8 * 4096, store.path.stat().st_size, 4096):
            file.seek(page)
            file.write(bytes([0xFF] * 16))

    with SqliteStore(store.url, store.path) as damaged, pytest.raises(StoreUnusable, match="damaged"):
        backup.back_up(damaged, tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()
