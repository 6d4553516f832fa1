"""Opening the database: what is refused, who may read it, and what if it is replaced."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.errors import CannotWrite, IngestError, StoreReplaced, StoreUnusable
from ingest.store.engine import Store
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import create_file, database_path, open_store, refuse_damage
from ingest.store.sqlite.driver import SAFE_SQLITE, sqlite_module
from ingest.store.sqlite.translating import damaged_or_refused
from tests.store.backends import sqlite, url_in
from tests.store.stage import land

_COUNT = """
import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM events").fetchone())
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with sqlite(tmp_path) as opened:
        yield opened


def refusal(path: Path) -> StoreUnusable:
    with pytest.raises(StoreUnusable) as refused:
        open_store(f"sqlite:///{path}").close()
    assert refused.value.exit_code == 65
    assert refused.value.hint
    return refused.value


def test_a_store_that_is_not_there_is_not_made_by_opening_it(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "none.db")

    assert "no store" in refused.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"not a database, " * 400, b"SQLite format 3\x00" + bytes(4080)])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ingest.db"
    path.write_bytes(content)

    refused = refusal(path)

    assert "damaged or is not a database" in refused.message
    assert path.read_bytes() == content


def test_an_empty_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "ingest.db").touch()

    assert "there is no store" in refusal(tmp_path / "ingest.db").message


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_database_that_was_cut_short_is_refused(tmp_path: Path, store: Store, share: float) -> None:
    land(store, "1")
    store.close()
    path = tmp_path / "ingest.db"
    os.truncate(path, int(path.stat().st_size * share))

    assert "damaged" in refusal(path).message


@pytest.mark.parametrize("missing", [1, 100, 4095, 4096])
def test_a_database_whose_last_page_was_cut_is_refused(tmp_path: Path, store: Store, missing: int) -> None:
    land(store, "1")
    store.close()
    path = tmp_path / "ingest.db"
    os.truncate(path, path.stat().st_size - missing)

    with pytest.raises(StoreUnusable, match="damaged"), open_store(f"sqlite:///{path}") as cut:
        refuse_damage(cut)


def test_no_look_at_the_file_lets_go_of_the_locks_on_it(tmp_path: Path, store: Store) -> None:
    """Another process would take itself for the last one and remove the log that we write to."""
    path = tmp_path / "ingest.db"
    log = path.with_name("ingest.db-wal")
    land(store, "1")
    inode = log.stat().st_ino

    refuse_damage(store)
    damaged_or_refused(path, "malformed")
    land(store, "2")
    subprocess.run([sys.executable, "-c", _COUNT, path], check=True)

    assert log.stat().st_ino == inode
    land(store, "3")
    counted = subprocess.run([sys.executable, "-c", _COUNT, path], check=True, capture_output=True)
    assert counted.stdout == b"3\n"


def test_a_page_that_is_still_in_the_log_is_not_missed(tmp_path: Path, store: Store) -> None:
    land(store, "1")
    path = tmp_path / "ingest.db"
    with path.open("ab") as file:  # as a checkpoint that was killed leaves it
        file.write(b"half a page")

    with open_store(f"sqlite:///{path}") as opened:
        refuse_damage(opened)

    assert path.with_name("ingest.db-wal").stat().st_size > 0


def test_a_directory_in_the_place_of_the_database_is_an_error_in_our_words(tmp_path: Path) -> None:
    (tmp_path / "ingest.db").mkdir()

    with pytest.raises(IngestError):
        open_store(url_in(tmp_path)).close()


@pytest.mark.parametrize("url", ["postgresql://a/b", "sqlite://", "sqlite:///"])
def test_an_address_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(StoreUnusable, match="does not name"):
        database_path(url)


@pytest.mark.parametrize(
    "name", ["a b", "50%", "ü", "#1", "a'b", 'a"b', "a%20b", "$HOME", "[x]", "a&b=c", "a?b", "\udcff"]
)
def test_the_name_of_the_directory_can_be_any(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()

    create_or_upgrade(url_in(directory))

    with open_store(url_in(directory)) as store:
        land(store, "1")
    assert [path.name for path in directory.iterdir()] == ["ingest.db"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_driver_in_use_is_safe_for_several_processes_that_write() -> None:
    assert sqlite_module().sqlite_version_info >= SAFE_SQLITE


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_everything_beside_the_store_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        url = f"sqlite:///{tmp_path}/new/er/ingest.db"
        create_or_upgrade(url)
        with open_store(url) as store:
            land(store, "1")
            made = {path.name: path for path in (tmp_path / "new").rglob("*")} | {"new": tmp_path / "new"}
            modes = {name: stat.S_IMODE(path.stat().st_mode) for name, path in made.items()}
    finally:
        os.umask(before)

    files = dict.fromkeys(("ingest.db", "ingest.db-wal", "ingest.db-shm"), 0o600)
    assert modes == files | {"new": 0o700, "er": 0o700}


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    create_file(tmp_path / "ingest.db")

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_database_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "ingest.db").write_bytes(b"mine")

    create_file(tmp_path / "ingest.db")

    assert (tmp_path / "ingest.db").read_bytes() == b"mine"


def test_a_place_where_nothing_can_be_made_is_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotWrite) as refused:
        create_file(tmp_path / "file" / "ingest.db")

    assert refused.value.exit_code == 73


def replace_with_a_copy(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


def test_a_database_that_was_replaced_is_neither_written_nor_read(tmp_path: Path, store: Store) -> None:
    land(store, "1")

    replace_with_a_copy(tmp_path / "ingest.db")

    with pytest.raises(StoreReplaced) as refused, store.write():
        pytest.fail("a transaction began")
    with pytest.raises(StoreReplaced), store.read():
        pytest.fail("a transaction began")
    assert refused.value.exit_code == 65


def test_a_database_that_was_deleted_is_neither_written_nor_read_nor_made_anew(
    tmp_path: Path, store: Store
) -> None:
    land(store, "1")

    (tmp_path / "ingest.db").unlink()

    with pytest.raises(StoreReplaced), store.write():
        pytest.fail("a transaction began")
    with pytest.raises(StoreReplaced), store.read():
        pytest.fail("a transaction began")
    assert not (tmp_path / "ingest.db").exists()


def test_who_works_from_a_database_in_a_file_imports_nothing_of_a_server() -> None:
    program = "import sys, ingest.work.child; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    imported = done.stdout.split()
    assert "sqlalchemy.dialects.sqlite" in imported
    assert not [name for name in imported if "postgresql" in name or "psycopg" in name]
