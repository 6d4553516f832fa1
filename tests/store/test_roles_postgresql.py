"""The roles that the manual tells to make: processes work as one that can change no event and no trigger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ingest.resources import migrations_dir
from ingest.store.opening import open_store
from tests import server
from tests.crash.pipeline import Pipeline, payments_file, pipeline_at
from tests.store.backends import template_database

PAGE = migrations_dir().parent / "docs" / "howto" / "postgresql.md"


@pytest.fixture
def url() -> Iterator[str]:
    """A store as its user, who is not its owner, reaches it."""
    grants = re.search(r"```sql\n(GRANT.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert grants is not None
    with server.database(template_database()) as name:
        server.shared().run("DROP ROLE IF EXISTS ingest_app")
        server.shared().run("CREATE ROLE ingest_app LOGIN")
        with psycopg.connect(server.url(name), autocommit=True) as owner:
            for statement in filter(str.strip, grants[1].split(";")):
                owner.execute(statement)
        yield server.url(name).replace("ingest@", "ingest_app@")
    server.shared().run("DROP ROLE ingest_app")


def test_watch_and_work_need_no_more_than_that(url: str, tmp_path: Path) -> None:
    project: Pipeline = pipeline_at(url, tmp_path / "p")
    project.drop("a.csv", payments_file("P-1"))

    project.heal()

    assert project.rows("SELECT payment_id FROM payments") == [("P-1",)]
    project.assert_worked_off()
    project.assert_sound()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = ''",
        "DELETE FROM events",
        "TRUNCATE events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TABLE events",
        "ALTER FUNCTION events_refuse() RENAME TO gone",
    ],
)
def test_that_role_cannot_change_an_event_nor_what_keeps_it(url: str, tmp_path: Path, statement: str) -> None:
    with (
        open_store(url, tmp_path),
        psycopg.connect(url, autocommit=True) as user,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="events"),
    ):
        user.execute(statement)
