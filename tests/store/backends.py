"""The backends that keep the promises of a store; each makes a fresh, empty one.

To prove another backend, add one line to `BACKENDS`. Tests of the store meet every
one; a test of a whole pipeline meets the one that PIPELINE_STORE names, by default
SQLite, and says so where it is about one only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy.exc import SQLAlchemyError

from ingest.errors import IngestError
from ingest.store.directories import make_private_directory
from ingest.store.engine import Store
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from ingest.store.postgresql.engine import PostgresqlStore
from ingest.store.schema import metadata
from tests import server
from tests.scratch import kept_folder


def url_in(directory: Path) -> str:
    return f"sqlite:///{directory}/ingest.db"


def sqlite(directory: Path) -> Store:
    """A store in `directory`, which exists."""
    make_store(directory / "ingest.db")
    return open_store(url_in(directory))


def make_store(path: Path) -> None:
    """An empty store stands at `path`, in a private directory, as `create_or_upgrade` would make it."""
    make_private_directory(path.parent)
    shutil.copy(_template(), path)


@cache
def _template() -> Path:
    """An empty store, made by the migrations once for all tests of this process."""
    directory = kept_folder("ingest-template-")
    create_or_upgrade(url_in(directory))
    return directory / "ingest.db"


_TRIGGERS = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname"
_emptied: list[str] = []  # databases that one test is through with, and another can have


@contextmanager
def postgresql(directory: Path) -> Iterator[Store]:
    """A store on the server of this process, in a database that nobody else uses meanwhile."""
    name = _emptied.pop() if _emptied else server.new_database(template_database())
    with open_store(server.url(name), directory) as store:
        yield store
        try:
            is_empty = _empty(store)
        except (IngestError, SQLAlchemyError):  # a test that took the connection away, or events, is no error
            is_empty = False
    if is_empty:  # not where a test has failed: who knows what it left
        _emptied.append(name)


def _empty(store: Store) -> bool:
    """The database is as the migrations made it, sooner than a new one; False where a test changed more.

    The connection is the test's: it knows the tables already, which a new one would have to learn.
    """
    assert isinstance(store, PostgresqlStore)
    own = sorted(table.name for table in metadata.sorted_tables)
    filled = " UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for table in own)
    with store._engine.begin() as tx:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        for table in {*tx.exec_driver_sql(tables).scalars()} - {*own, "alembic_version"}:
            tx.exec_driver_sql(f'DROP TABLE "{table}" CASCADE')
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no trigger keeps anything
        for table in tx.exec_driver_sql(filled).scalars().all():
            tx.exec_driver_sql(f"DELETE FROM {table}")
        tx.exec_driver_sql("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'")
        return [tuple(row) for row in tx.exec_driver_sql(_TRIGGERS)] == _triggers()


@cache
def _triggers() -> list[tuple[object, ...]]:
    with psycopg.connect(server.url(template_database())) as owner:
        return owner.execute(_TRIGGERS).fetchall()


@cache
def template_database() -> str:
    """An empty store on the server, made by the migrations once for all tests of this process."""
    name = server.new_database()
    create_or_upgrade(server.url(name), Path("/nowhere"))
    return name


Backend = Callable[[Path], AbstractContextManager[Store]]
BACKENDS: dict[str, Backend] = {"sqlite": sqlite, "postgresql": postgresql}


@contextmanager
def fresh(backend: str) -> Iterator[Store]:
    """An empty store that is gone afterwards: for tests that need many, one after another."""
    with TemporaryDirectory() as directory, BACKENDS[backend](Path(directory)) as store:
        yield store


def tries(backend: str, count: int) -> settings:
    """How often a property is tried there: `count` times in a file, a quarter of it on a server.

    What is decided is the same on both: a server, which is slow, is only to show that its statements say it.
    """
    return settings(max_examples=count if backend == "sqlite" else count // 4)


def chosen() -> str:
    """The backend on which the pipelines of tests stand."""
    return os.environ.get("PIPELINE_STORE", "sqlite")


def only_on(backend: str, reason: str) -> pytest.MarkDecorator:
    """The test is about this backend only; `reason` says what of it."""
    return pytest.mark.skipif(chosen() != backend, reason=f"{backend}: {reason}")


def unmade_url(directory: Path) -> str:
    """Where an empty store can be made, for a pipeline whose store is in `directory` if it is a file."""
    return server.url(server.new_database()) if chosen() == "postgresql" else url_in(directory)


def new_url(directory: Path) -> str:
    """Where an empty store stands, for a pipeline whose store is in `directory` if it is a file."""
    if chosen() == "postgresql":
        return server.url(server.new_database(template_database()))
    make_store(directory / "ingest.db")
    return url_in(directory)
