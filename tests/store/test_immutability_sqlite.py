"""An event that stands is never changed, deleted or replaced: the database itself refuses."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ingest.store.engine import Store
from ingest.store.reading import verifying
from ingest.store.sqlite.driver import sqlite_module
from tests.store.backends import sqlite
from tests.store.stage import land

COLUMNS = "position, id, type, key, keyseq, origin, time, producer, body, hash"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with sqlite(tmp_path) as opened:
        land(opened, "1", "2")
        yield opened


def everything(store: Store) -> list[tuple[object, ...]]:
    with store.read() as tx:
        return [tuple(row) for row in tx.execute(text("SELECT * FROM events ORDER BY position"))]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = 'x' WHERE id = '1'",
        "UPDATE events SET id = id",
        "UPDATE OR REPLACE events SET id = '1' WHERE id = '2'",
        "UPDATE OR IGNORE events SET position = 9 WHERE id = '2'",
        "UPDATE events SET type = '', body = ''",
        "DELETE FROM events WHERE id = '2'",
        "DELETE FROM events",
        f"INSERT OR REPLACE INTO events ({COLUMNS}) VALUES (9, '1', 't', 'k', 9, 'o', 0, '', 'x', x'00')",
        f"REPLACE INTO events ({COLUMNS}) VALUES (1, 'new', 't', 'k', 9, 'o', 0, '', 'x', x'00')",
        f"REPLACE INTO events ({COLUMNS}) VALUES (9, 'new', 't', 'k', 1, 'o', 0, '', 'x', x'00')",
        f"INSERT INTO events ({COLUMNS}) SELECT {COLUMNS} FROM events WHERE 1 ON CONFLICT DO NOTHING",
        f"INSERT OR REPLACE INTO events ({COLUMNS}) SELECT {COLUMNS} FROM events WHERE id = '1'",
    ],
)
def test_a_statement_that_would_change_an_event_is_refused(store: Store, statement: str) -> None:
    before = everything(store)

    with pytest.raises(IntegrityError, match="an event is a fact"), store.write() as tx:
        tx.execute(text(statement))

    assert everything(store) == before


@pytest.mark.parametrize("setting", ["recursive_triggers", "defer_foreign_keys", "ignore_check_constraints"])
@pytest.mark.parametrize("value", ["ON", "OFF"])
def test_no_setting_of_a_stranger_opens_a_way(store: Store, tmp_path: Path, setting: str, value: str) -> None:
    before = everything(store)
    driver = sqlite_module()

    with closing(driver.connect(tmp_path / "ingest.db", isolation_level=None)) as stranger:
        stranger.execute(f"PRAGMA {setting} = {value}")
        for statement in ("UPDATE events SET body = 'x'", "DELETE FROM events"):
            with pytest.raises(driver.IntegrityError, match="an event is a fact"):
                stranger.execute(statement)

    assert everything(store) == before


def test_a_new_event_is_not_refused(store: Store) -> None:
    assert land(store, "3") == [3]


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE events SET body = replace(body, 'acme', 'emca') WHERE id = '1'", "hash does not follow"),
        ("UPDATE events SET type = 'x' WHERE id = '1'", "disagree about type"),
        ("DELETE FROM events WHERE id = '1'", "keyseq 1 is missing"),
        ("DELETE FROM events WHERE id = '2'", "newest events of this key are missing"),
        ("DELETE FROM events", "every event of this key is missing"),
    ],
)
def test_who_takes_the_triggers_away_first_is_found_out(store: Store, tampering: str, problem: str) -> None:
    sound = verifying.verify(store)

    with store.write() as tx:
        for verb in ("update", "delete", "insert"):
            tx.execute(text(f"DROP TRIGGER events_refuse_{verb}"))
        tx.execute(text(tampering))

    assert sound.holds
    assert any(problem in found.problem for found in verifying.verify(store).breaks)
