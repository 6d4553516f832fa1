"""A store is brought to the schema that is spoken here, wholly or not at all."""

import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, select, text

from ingest.errors import StoreUnusable
from ingest.resources import migrations_dir
from ingest.store.engine import Store
from ingest.store.integrity import check
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import create_file, open_store, revision
from ingest.store.schema import REVISION, metadata, outcome_totals
from ingest.store.sqlite.engine import SqliteStore
from tests.store.backends import url_in
from tests.store.stage import land


def bare(directory: Path) -> Store:
    """The store as it is, at whatever revision."""
    return SqliteStore(url_in(directory), directory / "ingest.db")


def at_revision(directory: Path, revision: str) -> None:
    """A store as a former version of the product made it."""
    create_file(directory / "ingest.db")
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    with bare(directory) as store, store.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)


def mark(directory: Path, found: str | None) -> None:
    """The store says that it stands at another revision."""
    with bare(directory) as store, store.write() as tx:
        tx.execute(text("DELETE FROM alembic_version"))
        if found is not None:
            tx.execute(text("INSERT INTO alembic_version VALUES (:found)"), {"found": found})


def test_a_store_that_is_missing_is_made_and_then_there_is_nothing_left_to_do(tmp_path: Path) -> None:
    assert create_or_upgrade(url_in(tmp_path)) == (None, REVISION)
    assert create_or_upgrade(url_in(tmp_path)) == (REVISION, REVISION)


def test_an_upgrade_of_a_store_that_needs_none_keeps_what_is_in_it(tmp_path: Path) -> None:
    create_or_upgrade(url_in(tmp_path))
    with open_store(url_in(tmp_path)) as store:
        land(store, "1")

    create_or_upgrade(url_in(tmp_path))

    with open_store(url_in(tmp_path)) as store:
        assert land(store, "1", "2") == [2]


@pytest.mark.parametrize(
    ("found", "says", "hint"),
    [
        ("9999", "newer", "upgrade ingest"),
        ("0000", "older", "run `ingest db upgrade`"),
        (None, "there is no store", "run `ingest init`, or `ingest db upgrade`"),
    ],
)
def test_a_store_at_another_revision_is_refused(
    tmp_path: Path, found: str | None, says: str, hint: str
) -> None:
    create_or_upgrade(url_in(tmp_path))
    mark(tmp_path, found)

    with pytest.raises(StoreUnusable) as refused:
        open_store(url_in(tmp_path))

    assert says in refused.value.message
    assert (refused.value.hint, refused.value.exit_code) == (hint, 65)


def test_a_newer_store_is_not_upgraded_either(tmp_path: Path) -> None:
    create_or_upgrade(url_in(tmp_path))
    mark(tmp_path, "9999")

    with pytest.raises(StoreUnusable) as refused:
        create_or_upgrade(url_in(tmp_path))

    assert "newer" in refused.value.message
    with bare(tmp_path) as store:
        assert revision(store) == "9999"


OUTCOME = "INSERT INTO outcomes VALUES (?, ?, ?, '1', 1, 1, 0, 0, 0, 'd', ?, '', 1, 'w', 1, 2)"
KILLED_AT_STATEMENT = """
    import os, signal, sys
    from sqlalchemy import Engine, event
    from ingest.store.migrate import create_or_upgrade

    left = int(sys.argv[2])

    @event.listens_for(Engine, "before_cursor_execute")
    def count(connection, cursor, statement, *more):
        global left
        if statement.lstrip().startswith(("CREATE", "INSERT", "UPDATE")):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    create_or_upgrade(sys.argv[1])
    print("through")
"""


def upgrade_killed_at(directory: Path, statement: int) -> bool:
    """A process upgrades the store and is killed before this statement; False when it came through."""
    ran = subprocess.run(
        [sys.executable, "-c", dedent(KILLED_AT_STATEMENT), url_in(directory), str(statement)],
        capture_output=True,
        check=False,
    )
    assert ran.returncode in (0, -signal.SIGKILL), ran.stderr
    return ran.returncode != 0


@pytest.mark.parametrize("statement", [1, 2, 12, 25, 29])
def test_a_migration_that_is_killed_leaves_the_old_schema_whole_and_the_next_run_succeeds(
    tmp_path: Path, statement: int
) -> None:
    assert upgrade_killed_at(tmp_path, statement)

    with bare(tmp_path) as store:
        with store.read() as tx:
            assert inspect(tx).get_table_names() == []
        assert check(store).is_sound
    assert create_or_upgrade(url_in(tmp_path)) == (None, REVISION)
    with open_store(url_in(tmp_path)) as store, store.read() as tx:
        assert set(inspect(tx).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_a_store_from_before_the_totals_has_the_right_ones_afterwards(tmp_path: Path) -> None:
    at_revision(tmp_path, "0002")
    stood = [(1, 1, "done", ""), (1, 2, "done", ""), (1, 3, "superseded", ""), (2, 1, "done", "unchanged")]
    with bare(tmp_path) as store, store.write() as tx:
        for outcome in stood:
            tx.exec_driver_sql(OUTCOME, outcome)

    create_or_upgrade(url_in(tmp_path))

    with open_store(url_in(tmp_path)) as store, store.read() as tx:
        assert set(tx.execute(select(outcome_totals))) == {
            (1, "done", "", 2),
            (1, "superseded", "", 1),
            (2, "done", "unchanged", 1),
        }


def test_two_processes_that_upgrade_at_once_make_one_store(tmp_path: Path) -> None:
    program = "import sys; from ingest.store.migrate import create_or_upgrade; create_or_upgrade(sys.argv[1])"
    both = [
        subprocess.Popen([sys.executable, "-c", program, url_in(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]

    said = [process.communicate()[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    with open_store(url_in(tmp_path)) as store:
        assert land(store, "1") == [1]
        assert check(store).is_sound


def test_a_database_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ingest.db").touch()
    with bare(tmp_path) as store, store.write() as tx:
        tx.execute(text("CREATE TABLE theirs (a TEXT)"))

    with pytest.raises(StoreUnusable, match="another program"):
        create_or_upgrade(url_in(tmp_path))

    with bare(tmp_path) as store, store.read() as tx:
        assert inspect(tx).get_table_names() == ["theirs"]
