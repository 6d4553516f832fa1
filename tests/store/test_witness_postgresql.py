"""A server that comes back without what this host saw is not gone on with, from the first connection on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingest.errors import StoreReplaced, Unreachable
from ingest.store.engine import Store
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from ingest.store.postgresql.engine import address
from ingest.store.postgresql.translating import named
from ingest.store.postgresql.witness import Witness
from tests import server
from tests.store.backends import template_database
from tests.store.stage import land

LOST = "ends at position 2, and this host saw 3"


@contextmanager
def restored_later(store: Store) -> Iterator[None]:
    """At the end of the block the database is as it was at its beginning."""
    store.close()
    name = server.name_in(store.url)
    with server.database(template=name) as backup:
        yield
        server.shared().run(f"DROP DATABASE {name} WITH (FORCE)")
        server.shared().run(f"CREATE DATABASE {name} TEMPLATE {backup}")


def lose_connection(store: Store) -> None:
    """What stood has gone, and is found to be."""
    with pytest.raises(Unreachable), store.read() as tx:
        tx.exec_driver_sql("SELECT 1")


def look(store: Store) -> None:
    with store.write() as tx:
        store.witness(tx)


def test_a_process_that_goes_on_notices_with_its_next_connection(store: Store) -> None:
    land(store, "1", "2")
    with restored_later(store):
        land(store, "3")

    lose_connection(store)
    for enter in (store.read, store.write):
        with pytest.raises(StoreReplaced, match=LOST), enter():
            pass
    with closing(store.changes()) as changes, pytest.raises(StoreReplaced, match=LOST):
        changes.expect()


@pytest.mark.parametrize("how", ["it looked", "it closed", "it was refused"])
def test_who_starts_later_is_refused_too_until_a_person_decides(
    store: Store, tmp_path: Path, how: str
) -> None:
    land(store, "1", "2")
    with restored_later(store):
        land(store, "3")
        if how == "it looked":
            look(store)
        if how == "it closed":
            store.close()
    if how == "it was refused":
        lose_connection(store)
        with pytest.raises(StoreReplaced), store.read():
            pass

    with pytest.raises(StoreReplaced, match=LOST):
        open_store(store.url, tmp_path)

    next(tmp_path.glob("seen-*")).unlink()
    with open_store(store.url, tmp_path) as gone_on_with:
        look(gone_on_with)


def test_a_database_that_was_made_anew_is_no_empty_one(tmp_path: Path) -> None:
    with server.database(template_database()) as name:
        with open_store(server.url(name), tmp_path) as store:
            land(store, "1")
        server.shared().run(f"DROP DATABASE {name} WITH (FORCE)")
        server.shared().run(f"CREATE DATABASE {name}")

        with pytest.raises(StoreReplaced, match="ends at position 0, and this host saw 1"):
            create_or_upgrade(server.url(name), tmp_path)


def test_what_is_rolled_back_was_never_seen(store: Store, tmp_path: Path) -> None:
    land(store, "1")
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        tx.info["news"] = 1 // 0
    land(store, "2")
    look(store)

    with open_store(store.url, tmp_path) as other:
        look(other)


def test_what_another_process_of_this_host_saw_counts(store: Store, tmp_path: Path) -> None:
    land(store, "1", "2")
    with restored_later(store), open_store(store.url, tmp_path) as other:
        look(store)
        land(other, "3")
        look(other)

    lose_connection(store)
    with pytest.raises(StoreReplaced, match=LOST), store.read():
        pass


class Slow:
    """A connection whose answers come late: another process of this host appends and notes before they do."""

    autocommit = False

    def __init__(self, raw: psycopg.Connection[Any], other: Store) -> None:
        self._raw, self._other = raw, other

    def execute(self, query: str) -> psycopg.Cursor[Any]:
        answer = self._raw.execute(query)
        land(self._other, "late")
        look(self._other)
        return answer


def test_what_is_appended_while_the_server_answers_is_not_lost(store: Store, tmp_path: Path) -> None:
    land(store, "1")
    look(store)
    name = next(tmp_path.glob("seen-*")).name
    witness = Witness(tmp_path, named(address(store.url)))

    with open_store(store.url, tmp_path) as other, psycopg.connect(store.url, autocommit=True) as raw:
        witness.meet(Slow(raw, other))

    assert (tmp_path / name).read_text() == "2", "the other noted it before the answer came"


def test_a_standby_that_still_follows_may_be_behind(tmp_path: Path) -> None:
    own = server.new()
    try:
        own.start()
        own.run("CREATE DATABASE pipeline")
        create_or_upgrade(own.url("pipeline"), tmp_path)
        own.stop()
        shutil.copytree(own.directory / "data", own.directory / "standby")
        (own.directory / "standby" / "standby.signal").touch()
        own.start()
        with open_store(own.url("pipeline"), tmp_path) as store:
            land(store, "1")
        own.stop()
        own.promote("standby")
        own.start()

        with open_store(own.url("pipeline"), tmp_path) as store, store.read():
            pass

        own.run("SELECT pg_promote()")
        with pytest.raises(StoreReplaced, match="ends at position 0, and this host saw 1"):
            open_store(own.url("pipeline"), tmp_path)
    finally:
        own.stop()


def test_a_new_connection_is_all_that_it_costs(store: Store) -> None:
    land(store, "1")
    looks = _looks(store)

    for _ in range(5):
        with store.write():
            pass
        with store.read():
            pass

    assert _looks(store) == looks


def _looks(store: Store) -> int:
    """How often the head of the log was asked for, as its index counts."""
    server.shared().run("SELECT pg_stat_force_next_flush()")
    with store.read() as tx:
        tx.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'events_pkey'"
    [(count,)] = server.shared().run(scans, server.name_in(store.url))
    return int(count)
