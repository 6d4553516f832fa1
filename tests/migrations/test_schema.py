"""The schema is the sum of the migrations, on every database there is."""

import io
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from ingest.resources import migrations_dir
from ingest.store.migrate import create_or_upgrade, revisions
from ingest.store.opening import open_store
from ingest.store.schema import REVISION, metadata

VERSIONS = sorted((migrations_dir() / "versions").glob("[0-9]*.py"))


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    return ScriptDirectory.from_config(config)


def loaded(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(ddl: str) -> list[str]:
    """The parts of a CREATE statement in an order that says nothing."""
    body = re.sub(r"\s+", " ", ddl.replace('"', ""))
    parts = re.split(r", (?![^()]*\))", re.sub(r"\(\s|\s\)", " , ", body))
    return sorted(part.strip() for part in parts)


def stands(connection: Connection) -> dict[str, list[str]]:
    """Every table and index by name, as the database says it would make it."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_schema WHERE type <> 'trigger'"))
    return {row.name: plain(row.sql or "") for row in rows if "alembic_version" not in row.name}


def test_the_revision_that_is_spoken_is_the_newest_migration() -> None:
    assert script().get_current_head() == REVISION == revisions()[-1]


def test_there_is_one_line_of_migrations_and_every_file_is_in_it() -> None:
    line = [found.revision for found in script().walk_revisions()]

    assert script().get_heads() == [REVISION]
    assert line[::-1] == revisions()


def test_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    create_or_upgrade(f"sqlite:///{tmp_path}/ingest.db")

    with open_store(f"sqlite:///{tmp_path}/ingest.db") as store, store.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []


def test_the_migrations_make_every_table_and_index_word_for_word(tmp_path: Path) -> None:
    create_or_upgrade(f"sqlite:///{tmp_path}/ingest.db")
    with open_store(f"sqlite:///{tmp_path}/ingest.db") as store, store.read() as tx:
        migrated = stands(tx)

    with create_engine("sqlite://").connect() as connection:
        metadata.create_all(connection)
        assert migrated == stands(connection)
    connection.engine.dispose()


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_every_migration_can_be_written_down_for_every_database(dialect: str) -> None:
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name=dialect, opts={"as_sql": True, "output_buffer": written}
    )

    with Operations.context(context):
        for path in VERSIONS:
            loaded(path).upgrade()

    said = written.getvalue()
    for name in metadata.tables:
        assert f"CREATE TABLE {name} (" in said
    assert said.count("CREATE TRIGGER") == {"postgresql": 6, "sqlite": 7}[dialect]


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_stands_by_itself(path: Path) -> None:
    imported = re.findall(r"^\s*(?:from|import) ([\w.]+)", path.read_text("utf-8"), re.MULTILINE)

    assert set(imported) <= {"__future__", "sqlalchemy", "alembic"}
