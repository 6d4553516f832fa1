"""Opening the database, and the two kinds of transaction: what only a file on a disk can prove."""

import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from ingest.errors import CannotWrite, IngestError, StoreReplaced, StoreUnusable, TryAgain
from ingest.store import engine
from ingest.store.driver import SAFE_SQLITE, sqlite_module
from ingest.store.engine import Store, create_file, database_path, open_store
from ingest.store.migrate import create_or_upgrade
from ingest.store.schema import events
from tests.store.backends import sqlite, url_in
from tests.store.stage import land


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


# ---------------------------------------------------------------- opening


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


def test_an_empty_file_is_a_store_that_was_never_upgraded(tmp_path: Path) -> None:
    (tmp_path / "ingest.db").touch()

    assert "older" in refusal(tmp_path / "ingest.db").message


@pytest.mark.parametrize("share", [0.25, 0.5, 0.99])
def test_a_database_that_was_cut_short_is_refused(tmp_path: Path, store: Store, share: float) -> None:
    land(store, "1")
    store.close()
    path = tmp_path / "ingest.db"
    os.truncate(path, int(path.stat().st_size * share))

    assert "damaged" in refusal(path).message


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


# ---------------------------------------------------------------- privacy


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
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


# ---------------------------------------------------------------- replaced


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


# ---------------------------------------------------------------- transactions


def test_a_write_commits_when_its_block_ends_and_not_before(store: Store) -> None:
    with store.write() as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 1, x'00')"))
        with store.read() as other:
            before = other.execute(text("SELECT count(*) FROM event_keys")).scalar()

    with store.read() as other:
        assert (before, other.execute(text("SELECT count(*) FROM event_keys")).scalar()) == (0, 1)


def test_a_write_whose_block_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 1, x'00')"))
        _ = 1 / 0

    with store.write() as tx:
        assert tx.execute(text("SELECT count(*) FROM event_keys")).scalar() == 0


def test_a_read_is_one_snapshot_whatever_is_written_meanwhile(store: Store) -> None:
    land(store, "1")
    with store.read() as tx:
        found = [list(tx.execute(select(events.c.id)).scalars())]
        land(store, "2")
        found.append(list(tx.execute(select(events.c.id)).scalars()))

    assert found == [["1"], ["1"]]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO event_keys VALUES ('k', 1, x'00')",
        "CREATE TABLE mine (a)",
        "DROP TABLE lanes",
        "UPDATE lanes SET fence = 0",
    ],
)
def test_a_read_cannot_write(store: Store, statement: str) -> None:
    with pytest.raises((CannotWrite, SQLAlchemyError)), store.read() as tx:
        tx.execute(text(statement))

    with store.write() as tx:
        assert tx.execute(text("SELECT count(*) FROM event_keys")).scalar() == 0


def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    with store.write() as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 1, x'00')"))
        seen: list[object] = []

        def look() -> None:
            with store.read() as other:
                seen.append(other.execute(text("SELECT count(*) FROM event_keys")).scalar())

        reader = threading.Thread(target=look)
        reader.start()
        reader.join(10)

    assert seen == [0]


def test_a_write_lock_that_never_becomes_free_is_try_again_and_then_all_is_as_before(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WRITE_LOCK_BOUND", 0.05)
    with sqlite_other(tmp_path) as other, other.write():
        with pytest.raises(TryAgain) as refused, store.write():
            pytest.fail("a transaction began")

    assert refused.value.exit_code == 75
    assert land(store, "1") == [1]


def sqlite_other(tmp_path: Path) -> Store:
    return open_store(url_in(tmp_path))


def test_the_settings_that_make_a_commit_durable_hold_on_every_connection(store: Store) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "mmap_size": 0}

    for transaction in (store.write, store.read):
        with transaction() as tx:
            assert {name: tx.execute(text(f"PRAGMA {name}")).scalar() for name in wanted} == wanted


def test_each_thread_writes_on_a_connection_of_its_own(store: Store) -> None:
    def write(start: int) -> None:
        for n in range(start, start + 20):
            land(store, f"{n}", key=f"{n % 3}")

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.read() as tx:
        assert len(list(tx.execute(select(events.c.id)))) == 60


# ---------------------------------------------------------------- several processes


def test_processes_that_open_and_close_the_database_do_not_disturb_one_another(
    store: Store, tmp_path: Path
) -> None:
    store.close()
    program = """
        import sys
        from pathlib import Path
        from ingest.store.engine import Store
        for _ in range(60):
            with Store(sys.argv[1], Path(sys.argv[2])) as store, store.write() as tx:
                tx.exec_driver_sql("UPDATE event_keys SET keyseq = 1")
        """
    other = start(program, url_in(tmp_path), tmp_path / "ingest.db")
    while other.poll() is None:
        with open_store(url_in(tmp_path)) as mine, mine.read() as tx:
            assert tx.execute(text("SELECT count(*) FROM event_keys")).scalar() == 0

    assert other.communicate() == ("", "")


def start(program: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", dedent(program), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_of_several_processes_that_write_none_starves_and_no_write_is_lost(
    store: Store, tmp_path: Path
) -> None:
    program = """
        import sys, time
        from ingest.store.engine import open_store
        with open_store(sys.argv[1]) as store:
            print("ready", flush=True)
            sys.stdin.readline()
            written, until = 0, time.monotonic() + 2
            while time.monotonic() < until:
                with store.write() as tx:
                    tx.exec_driver_sql("UPDATE event_keys SET keyseq = keyseq + 1")
                written += 1
            print(written)
        """
    with store.write() as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 0, x'00')"))
    writers = [start(program, url_in(tmp_path)) for _ in range(4)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"

    written = [int(said) for said in begin(writers)]

    with store.read() as tx:
        assert tx.execute(text("SELECT keyseq FROM event_keys")).scalar() == sum(written)
    assert min(written) > 0
    print(f"writes of each of four writers: {written}, slowest/fastest {min(written) / max(written):.2f}")


def begin(writers: list["subprocess.Popen[str]"]) -> list[str]:
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    said = []
    for writer in writers:
        out, error = writer.communicate()
        assert writer.returncode == 0, error
        said.append(out)
    return said


# ---------------------------------------------------------------- noticing


def test_a_change_is_noticed_once_and_ones_own_reading_is_none(store: Store) -> None:
    changes = store.changes()
    found = [changes.has_moved(), changes.has_moved()]

    land(store, "1")
    found += [changes.has_moved(), changes.has_moved()]
    with store.read() as tx:
        list(tx.execute(select(events)))
    found.append(changes.has_moved())
    changes.close()

    assert found == [True, False, True, False, False]


def test_a_transaction_that_is_rolled_back_is_no_change(store: Store) -> None:
    changes = store.changes()
    changes.has_moved()

    with pytest.raises(ZeroDivisionError), store.write() as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 1, x'00')"))
        _ = 1 / 0

    assert not changes.has_moved()
    changes.close()


def test_looking_out_for_changes_does_not_keep_the_log_from_being_checkpointed(store: Store) -> None:
    changes = store.changes()
    land(store, "1")
    changes.has_moved()
    land(store, "2")

    with store._writer.connect() as raw:
        busy, *_ = raw.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    changes.close()
    assert busy == 0
