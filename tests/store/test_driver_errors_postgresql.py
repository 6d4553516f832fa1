"""What the driver itself raises is said in our words too: hot statements are run by its own cursor."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import bindparam, update

from ingest.errors import Contended, IngestError, Unreachable
from ingest.store.dialect import Batch
from ingest.store.engine import Store
from ingest.store.opening import open_store
from ingest.store.schema import subscriptions
from tests import server
from tests.patience import PATIENCE
from tests.store.stage import subscribe, wanted

_TOUCH = Batch(
    update(subscriptions)
    .where(subscriptions.c.processor == bindparam("of_name"))
    .values(version=subscriptions.c.version),
    "of_name",
)


_END_LISTENER = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


def test_a_deadlock_between_batches_can_be_tried_again(store: Store) -> None:
    subscribe(store, wanted("one"))
    subscribe(store, wanted("two"))
    together, ended = Barrier(2), list[IngestError | None]()

    def touch(*names: str) -> None:
        try:
            with store.write() as tx:
                _TOUCH.run(tx, [(names[0],)])
                together.wait(timeout=PATIENCE)
                _TOUCH.run(tx, [(names[1],)])
            ended.append(None)
        except IngestError as error:
            ended.append(error)

    threads = [Thread(target=touch, args=names) for names in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(error) for error in ended if error] == [Contended]
    assert len(ended) == 2


def test_a_connection_that_is_lost_in_a_batch_is_unreachable_and_the_next_one_is_new(store: Store) -> None:
    subscribe(store, wanted("one"))

    with pytest.raises(Unreachable):
        _lose_the_connection(store)

    with store.write() as tx:
        assert _TOUCH.run(tx, [("one",)]) == 1


def _lose_the_connection(store: Store) -> None:
    with store.write() as tx:
        pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with store.write() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 10000)")
        _TOUCH.run(tx, [("one",)])


def test_a_connection_that_broke_before_hints_could_be_heard_on_it_is_no_error(store: Store) -> None:
    with store.read() as tx:
        pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    server.shared().run(f"SELECT pg_terminate_backend({pid}, 10000)")

    with closing(store.changes()) as changes:
        assert changes.expect() == -1
        assert changes.has_moved(), "looking is the truth"


def test_who_loses_the_connection_that_hints_come_by_looks_and_waits_for_no_closed_handle(
    store: Store,
) -> None:
    with closing(store.changes()) as changes:
        assert changes.expect() >= 0
        assert changes.has_moved(), "always at the first call"
        server.shared().run(_END_LISTENER, server.name_in(store.url))

        until = time.monotonic() + PATIENCE
        while (handle := changes.expect()) >= 0:
            if not changes.has_moved():
                os.fstat(handle)  # it is waited for, so it has to be there
            assert time.monotonic() < until


@pytest.mark.parametrize("scheme", ["postgres", "POSTGRESQL", "postgresql+psycopg", "Postgresql+psycopg2"])
def test_an_address_is_understood_however_its_scheme_is_written(
    store: Store, tmp_path: Path, scheme: str
) -> None:
    subscribe(store, wanted("one"))

    with open_store(store.url.replace("postgresql", scheme, 1), tmp_path) as same, same.write() as tx:
        assert _TOUCH.run(tx, [("one",)]) == 1
