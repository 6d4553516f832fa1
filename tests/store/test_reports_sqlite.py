"""What the status costs does not grow with what has ended: it is no more work for SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.store import replays
from ingest.store.engine import Store, Tx
from ingest.store.reading import reports
from tests.store.backends import sqlite
from tests.store.replaying import start
from tests.store.stage import NOON, land, subscribe, work_off

EACH = 100  # steps of the machine that SQLite compiles statements for
MANY = 20_000
_MORE = (
    "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO outcomes"
    " SELECT ?, i, 'done', '1', 1, 1, 0, 0, 0, '', '', '', 1, 'w', 1, 2 FROM n"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with sqlite(tmp_path) as opened:
        yield opened


def steps(store: Store, ask: Callable[[Tx], object]) -> int:
    """How many hundred steps SQLite took to answer."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    with store.read() as tx:
        raw = tx.connection.driver_connection
        assert raw is not None
        raw.set_progress_handler(count, EACH)
        ask(tx)
        raw.set_progress_handler(None, EACH)
    return taken


def more(store: Store, generation: int) -> None:
    """Many more outcomes stand, and are counted."""
    with store.write() as tx:
        tx.exec_driver_sql(_MORE, (MANY, generation))
        tx.exec_driver_sql(
            "UPDATE outcome_totals SET outcomes = outcomes + ? WHERE generation_id = ?",
            (MANY - 99, generation),
        )


def test_what_the_status_costs_does_not_grow_with_the_outcomes(store: Store) -> None:
    live = subscribe(store)
    land(store, "1", "2")
    work_off(store, live)
    before = steps(store, lambda tx: reports.processor_statuses(tx, now=NOON))
    more(store, live)

    after = steps(store, lambda tx: reports.processor_statuses(tx, now=NOON))

    with store.read() as tx:
        (found,) = reports.processor_statuses(tx, now=NOON)
    assert (found.done, found.last_position) == (MANY - 97, MANY)
    assert after <= before + 1


def test_what_the_replays_cost_does_not_grow_with_their_outcomes(store: Store) -> None:
    live = subscribe(store)
    land(store, "1", "2")
    work_off(store, live)
    replayed = start(store)
    before = steps(store, replays.reports)
    more(store, live)
    more(store, replayed)

    assert steps(store, replays.reports) <= before + 1
