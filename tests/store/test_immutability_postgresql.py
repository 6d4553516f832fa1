"""An event that stands is never changed, deleted or replaced: the server itself refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ingest.errors import CannotWrite
from ingest.store.engine import Store
from tests.store.stage import land


def everything(store: Store) -> list[tuple[object, ...]]:
    with store.read() as tx:
        return [tuple(row) for row in tx.execute(text("SELECT * FROM events ORDER BY position"))]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = 'x' WHERE id = '1'",
        "UPDATE events SET id = id",
        "DELETE FROM events WHERE id = '2'",
        "TRUNCATE events",
        "TRUNCATE events CASCADE",
        "INSERT INTO events SELECT * FROM events ON CONFLICT (id) DO UPDATE SET body = 'x'",
        "MERGE INTO events USING (SELECT '1' AS id) AS n ON events.id = n.id WHEN MATCHED THEN DELETE",
    ],
)
def test_a_statement_that_would_change_an_event_is_refused(store: Store, statement: str) -> None:
    land(store, "1", "2")
    before = everything(store)

    with pytest.raises(DBAPIError, match="an event is a fact"), store.write() as tx:
        tx.execute(text(statement))

    assert everything(store) == before


def test_who_may_only_read_writes_nothing(store: Store) -> None:
    with pytest.raises(CannotWrite, match="read-only"), store.read() as tx:
        tx.execute(text("INSERT INTO event_keys VALUES ('k', 1, '')"))
