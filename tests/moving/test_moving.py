"""A pipeline that moves to a server is the same there: nothing is processed again, nothing is lost."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import IngestError, StoreUnusable, TryAgain, Unreachable, UsageError
from ingest.store import lanes, outbox, workers
from ingest.store.engine import Store
from ingest.store.moving.move import foresee, move
from ingest.store.opening import connected
from ingest.store.reading.verifying import verify
from ingest.store.schema import metadata
from tests import server
from tests.moving.pipeline import (
    bench_at,
    database,
    in_the_middle,
    opened,
    said_of,
    to_the_end,
    twin,
)
from tests.store.stage import a_draft
from tests.work.bench import NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return in_the_middle(tmp_path / "file")


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Store]:
    with database(tmp_path / "local") as store:
        yield store


def moved(path: Path, target: Store) -> None:
    with opened(path) as source:
        move(source, target)


def test_what_stood_stands_and_what_is_done_from_there_is_what_would_have_been_done(
    path: Path, target: Store, tmp_path: Path
) -> None:
    other = twin(path, tmp_path / "twin")
    moved(path, target)

    with bench_at(opened(other), tmp_path / "twin") as there, bench_at(target, tmp_path / "local") as here:
        began = said_of(there)
        assert [query for query, found in began.items() if not found] == [], "all kinds of things are moved"
        assert said_of(here) == began
        seen = to_the_end(there)
        assert to_the_end(here) == seen
        assert seen, "calls were open"
        assert said_of(here) == said_of(there)
        assert verify(target).holds


def test_numbers_go_on_beyond_every_one_that_was_ever_given(path: Path, target: Store) -> None:
    with opened(path) as source:
        with source.write() as tx:  # those of the last lanes are gone
            tx.exec_driver_sql("UPDATE sqlite_sequence SET seq = seq + 100 WHERE name = 'lanes'")
        highest = dict(_rows(source, "SELECT name, seq FROM sqlite_sequence"))
        move(source, target)

    with target.write() as tx:
        [position] = outbox.append(tx, [a_draft("new", key="acme/new")], now=NOW)
    assert position == highest["events"] + 1
    assert _next(target, "lanes") > highest["lanes"]
    assert _next(target, "generations") == highest["generations"] + 1
    assert _next(target, "attempts") > _rows(target, "SELECT max(id) FROM attempts")[0][0]


def test_a_claim_that_stood_before_is_refused_after(path: Path, target: Store) -> None:
    with opened(path) as source:
        with source.write() as tx:
            tx.exec_driver_sql("UPDATE lanes SET available_at = 0 WHERE state = 'ready'")
        [generation] = _rows(source, "SELECT generation_id FROM subscriptions WHERE processor = 'books'")
        with source.write() as tx:
            held = lanes.claim(tx, generation[0], worker="gone", child=1, budget=3, now=NOW)
        fences = dict(_rows(source, "SELECT id, fence FROM lanes"))
        move(source, target)

    assert held
    assert dict(_rows(target, "SELECT id, fence FROM lanes")) == {id_: n + 1 for id_, n in fences.items()}
    assert _rows(target, "SELECT count(*) FROM lanes WHERE state = 'leased' OR worker IS NOT NULL") == [(0,)]
    with target.read() as tx:
        assert lanes.still_held(tx, held) == []


def test_nobody_goes_on_with_the_file_also_who_had_it_open(path: Path, target: Store) -> None:
    with opened(path) as open_before:
        moved(path, target)

        with pytest.raises(StoreUnusable, match="was moved to the database"), open_before.write():
            pass
    with pytest.raises(StoreUnusable, match="was moved to the database"):
        opened(path)


def test_it_is_not_moved_twice_to_different_places(path: Path, target: Store, tmp_path: Path) -> None:
    moved(path, target)
    as_it_was = _all(target)

    with connected(f"sqlite:///{path}") as source, database(tmp_path / "local") as another:
        assert move(source, target).stood
        with pytest.raises(StoreUnusable, match="was moved to"):
            move(source, another)
        assert _rows(another, _TABLES) == []
    assert _all(target) == as_it_was


def test_a_move_that_ended_between_its_two_commits_is_ended_by_the_same_command(
    path: Path, target: Store
) -> None:
    done: list[int] = []

    def advance(more: int, total: int) -> None:
        done.append(more)
        if sum(done) == total:
            server.shared().run(_END_THE_SESSION, _name(target))

    with opened(path) as source, pytest.raises(Unreachable) as told:
        move(source, target, advance=advance)
    assert "run the same command again" in told.value.hint
    assert _rows(target, _TABLES) == []
    with pytest.raises(StoreUnusable, match="was moved to"):
        opened(path)

    with connected(f"sqlite:///{path}") as source:
        assert not move(source, target).stood

    assert verify(target).holds
    target.refuse_other_schema()


@pytest.mark.parametrize("at", [0.0, 0.5, 0.999])
def test_a_move_that_is_given_up_changes_nothing(path: Path, target: Store, at: float) -> None:
    done: list[int] = []

    def advance(more: int, total: int) -> None:
        done.append(more)
        if sum(done) >= total * at:
            raise KeyboardInterrupt

    with opened(path) as source:
        before = _all(source)
        with pytest.raises(KeyboardInterrupt):
            move(source, target, advance=advance)

        assert _all(source) == before
        assert _rows(target, _TABLES) == []
        assert not move(source, target).stood


def test_it_is_refused_while_somebody_lives(path: Path, target: Store) -> None:
    with opened(path) as source:
        for kind in ("worker", "watcher"):
            one = workers.Worker(id=f"{kind}-9", kind=kind, host="here", pid=4711)
            with source.write() as tx:
                workers.enlist(tx, one, lease=NOW - NOW, now=NOW)
            with pytest.raises(TryAgain, match=f"{kind} 4711 on here"):
                move(source, target)
            with source.write() as tx:
                workers.retire(tx, one.id, now=NOW)
        assert not move(source, target).stood


def test_nobody_writes_while_it_goes_on(path: Path, target: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.store.sqlite.engine.WRITE_LOCK_BOUND", 0.01)
    refused = []

    def advance(_more: int, _total: int) -> None:
        with opened(path) as another, pytest.raises(TryAgain), another.write():
            pass
        refused.append(True)

    with opened(path) as source:
        move(source, target, advance=advance)

    assert refused


def test_a_database_that_holds_anything_is_refused(path: Path, target: Store) -> None:
    server.shared().run("CREATE TABLE mine (n int)", _name(target))

    with opened(path) as source:
        for attempt in (foresee, move):
            with pytest.raises(StoreUnusable, match="is not empty: it holds mine"):
                attempt(source, target)
    assert _rows(target, _TABLES) == [("mine",)]
    opened(path).close()


def test_other_ways_round_are_refused(path: Path, target: Store, tmp_path: Path) -> None:
    other = twin(path, tmp_path / "twin")
    with opened(path) as one, opened(other) as two:
        for source, to in ((one, two), (target, one), (target, target)):
            with pytest.raises(UsageError, match="only a store in a SQLite file can be copied"):
                move(source, to)


def test_a_log_that_is_broken_is_not_moved(path: Path, target: Store) -> None:
    with opened(path) as source:
        with source.write() as tx:
            tx.exec_driver_sql("UPDATE event_keys SET hash = x'00' WHERE key = 'acme/a'")
        with pytest.raises(IngestError, match="event_keys does not agree"):
            move(source, target)
    assert _rows(target, _TABLES) == []


def test_nul_in_our_own_text_is_escaped_and_said(path: Path, target: Store) -> None:
    with opened(path) as source:
        with source.write() as tx:
            tx.exec_driver_sql("UPDATE rejects SET raw = 'a' || char(0) || 'b'")
        assert foresee(source, target).escaped == ("rejects",)
        assert move(source, target).escaped == ("rejects",)

    assert set(_rows(target, "SELECT raw FROM rejects")) == {("a\\x00b",)}


def test_nul_in_a_row_of_a_processor_is_for_it_to_mend(path: Path, target: Store) -> None:
    with opened(path) as source:
        with source.write() as tx:
            tx.exec_driver_sql("UPDATE booked SET note = 'a' || char(0) || 'b' WHERE name = 'one'")
        for attempt in (foresee, move):
            with pytest.raises(StoreUnusable, match=r"table booked: a row of event id-1 holds a NUL"):
                attempt(source, target)
    assert _rows(target, _TABLES) == []


def test_a_key_that_no_index_holds_is_named_by_its_table(path: Path, target: Store) -> None:
    noise = "".join(random.Random(7).choices(string.printable, k=4000))
    with opened(path) as source:
        with source.write() as tx:
            tx.exec_driver_sql("INSERT INTO event_keys VALUES (?, 1, x'00')", (noise,))
        with pytest.raises(StoreUnusable, match="event_keys: PostgreSQL does not take a row: index row size"):
            move(source, target)
    assert _rows(target, _TABLES) == []


def test_what_is_nobodys_stays_behind_and_is_said(path: Path, target: Store) -> None:
    with opened(path) as source:
        with source.write() as tx:
            tx.exec_driver_sql("CREATE TABLE mine (n int)")
            tx.exec_driver_sql("CREATE VIEW looked AS SELECT 1 AS n")
        assert move(source, target).others == ("looked", "mine")


def test_every_table_is_counted_also_one_that_comes_later(path: Path, target: Store) -> None:
    with opened(path) as source:
        found = move(source, target)

    assert set(found.tables) == {*metadata.tables, "booked", "called"}
    assert {
        name: _rows(target, f'SELECT count(*) FROM "{name}"')[0][0] for name in found.tables
    } == found.tables


def test_the_table_of_a_processor_is_the_one_that_it_declares(
    path: Path, target: Store, tmp_path: Path
) -> None:
    moved(path, target)

    with bench_at(target, tmp_path / "local") as bench:
        bench.land("one", key="acme/z")
        to_the_end(bench)
        assert len(bench.rows("SELECT 1 FROM booked WHERE name = 'one'")) == 1, "its key is unique there too"


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_END_THE_SESSION = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def _rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    with store.read() as tx:
        return [tuple(row) for row in tx.exec_driver_sql(query)]


def _all(store: Store) -> dict[str, list[str]]:
    names = ["alembic_version", "booked", "called", *metadata.tables]
    return {name: sorted(map(str, _rows(store, f'SELECT * FROM "{name}"'))) for name in names}


def _next(store: Store, table: str) -> int:
    with store.write() as tx:
        return int(
            tx.exec_driver_sql(f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))").scalar_one()
        )


def _name(target: Store) -> str:
    [[name]] = _rows(target, "SELECT current_database()")
    return str(name)
