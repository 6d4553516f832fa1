"""The two kinds of transaction, in threads and in processes, and how a commit is noticed."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from ingest.errors import CannotWrite, TryAgain
from ingest.store.engine import Store
from ingest.store.opening import open_store
from ingest.store.schema import events
from ingest.store.sqlite import engine
from ingest.store.sqlite.engine import SqliteStore
from tests.store.backends import sqlite, url_in
from tests.store.stage import land, rolled_back


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with sqlite(tmp_path) as opened:
        yield opened


def test_a_write_commits_when_its_block_ends_and_not_before(store: Store) -> None:
    with store.write() as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 1, x'00')"))
        with store.read() as other:
            before = other.execute(text("SELECT count(*) FROM event_keys")).scalar()

    with store.read() as other:
        assert (before, other.execute(text("SELECT count(*) FROM event_keys")).scalar()) == (0, 1)


def test_a_write_whose_block_raises_leaves_nothing(store: Store) -> None:
    with rolled_back(store) as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 1, x'00')"))

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
    with open_store(url_in(tmp_path)) as other, other.write(), pytest.raises(TryAgain) as refused:
        land(store, "1")

    assert refused.value.exit_code == 75
    assert land(store, "1") == [1]


def test_a_database_that_cannot_grow_is_cannot_write_and_goes_on_once_it_can(store: Store) -> None:
    land(store, "1")
    with store.write() as tx:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
        tx.execute(text(f"PRAGMA max_page_count = {pages}"))

    with pytest.raises(CannotWrite) as refused:
        land(store, *(f"full {n}" for n in range(500)))
    with store.write() as tx:
        tx.execute(text("PRAGMA max_page_count = 1000000"))

    assert refused.value.exit_code == 73
    assert land(store, "2") == [2]


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


def test_processes_that_open_and_close_the_database_do_not_disturb_one_another(
    store: Store, tmp_path: Path
) -> None:
    store.close()
    program = """
        import sys
        from pathlib import Path
        from ingest.store.sqlite.engine import SqliteStore
        for _ in range(60):
            with SqliteStore(sys.argv[1], Path(sys.argv[2])) as store, store.write() as tx:
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
        from ingest.store.opening import open_store
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

    with rolled_back(store) as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 1, x'00')"))

    assert not changes.has_moved()
    changes.close()


def test_looking_out_for_changes_does_not_keep_the_log_from_being_checkpointed(store: Store) -> None:
    changes = store.changes()
    land(store, "1")
    changes.has_moved()
    land(store, "2")

    assert isinstance(store, SqliteStore)
    with store._writer.connect() as raw:
        busy, *_ = raw.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    changes.close()
    assert busy == 0
