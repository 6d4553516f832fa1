"""Bringing a store to the schema this version speaks: all of it, or nothing.

Every migration that is missing runs in one transaction that holds the write
lock, so a kill leaves the old schema whole and the next run starts over.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from ingest.resources import migrations_dir
from ingest.store.engine import Store, create_file, database_path, revision
from ingest.store.schema import REVISION


def create_or_upgrade(url: str) -> tuple[str | None, str]:
    """The revisions before and after; the database exists and is at `REVISION`.

    A missing database is created, readable by its owner only. Safe to call
    from several processes at once: the second finds nothing left to do.
    """
    path = database_path(url)
    if not path.exists():
        create_file(path)
    with Store(url, path) as store:
        before = revision(store)
        if before != REVISION:
            _upgrade(store)
    return before, REVISION


def _upgrade(store: Store) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    with store.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


def revisions() -> list[str]:
    """The names of all migrations shipped, oldest first."""
    return sorted(file.name.split("_")[0] for file in Path(migrations_dir(), "versions").glob("[0-9]*_*.py"))
