"""Bringing a store to the schema this version speaks: all of it, or nothing.

Every migration that is missing runs in one transaction that holds the write
lock, so a kill leaves the old schema whole and the next run starts over.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect

from ingest.errors import StoreUnusable
from ingest.resources import migrations_dir
from ingest.store.engine import Store
from ingest.store.opening import create_file, database_path, revision
from ingest.store.schema import REVISION


def create_or_upgrade(url: str) -> tuple[str | None, str]:
    """The revisions before and after; the database exists and is at `REVISION`.

    A missing database is created, readable by its owner only. Safe to call
    from several processes at once: the second finds nothing left to do.
    Raises `StoreUnusable` for a store that is newer, or a database of another program.
    """
    path = database_path(url)
    if not path.exists():
        create_file(path)
    with Store(url, path) as store:
        before = revision(store)
        if before is not None and before not in revisions():
            raise StoreUnusable(
                f"the store's schema ({before}) is newer than this ingest ({REVISION})", hint="upgrade ingest"
            )
        if before != REVISION:
            _upgrade(store)
    return before, REVISION


def _upgrade(store: Store) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    with store.write() as tx:
        found = inspect(tx).get_table_names()
        if found and "alembic_version" not in found:
            raise StoreUnusable(
                f"{store.path} is the database of another program", hint="give store.url a name of its own"
            )
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


def revisions() -> list[str]:
    """The names of all migrations shipped, oldest first."""
    return sorted(file.name.split("_")[0] for file in Path(migrations_dir(), "versions").glob("[0-9]*_*.py"))
