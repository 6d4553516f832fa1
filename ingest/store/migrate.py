"""Bringing a store to the schema this version speaks: all of it, or nothing.

Every migration that is missing runs in one transaction that holds the write
lock, or on a server a lock of its own, so a kill leaves the old schema whole
and the next run starts over.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect

from ingest.config import is_on_server, mask_url
from ingest.errors import StoreUnusable
from ingest.resources import migrations_dir
from ingest.store.dialect import enter_migration
from ingest.store.engine import Store, Tx, check_revision, revision_in
from ingest.store.opening import connected, create_file, database_path, revision
from ingest.store.schema import REVISION


def create_or_upgrade(url: str, local: Path | None = None) -> tuple[str | None, str]:
    """The revisions before and after; the database exists and is at `REVISION`.

    A missing file is created, readable by its owner only; on a server the
    empty database has to be there. Safe to call
    from several processes at once: the second finds nothing left to do.
    Raises `StoreUnusable` for a store that is newer, or a database of another program.
    """
    if not is_on_server(url) and not database_path(url).exists():
        create_file(database_path(url))
    with connected(url, local) as store:
        before = revision(store)
        if before is not None and before not in revisions():
            with store.read() as tx:
                check_revision(tx)  # which knows of one that was moved
            raise StoreUnusable(
                f"the store's schema ({before}) is newer than this ingest ({REVISION})", hint="upgrade ingest"
            )
        if before != REVISION:
            _upgrade(store)
    return before, REVISION


def _upgrade(store: Store) -> None:
    with store.write() as tx:
        enter_migration(tx)
        if revision_in(tx) == REVISION:  # another process was first
            return
        found = inspect(tx).get_table_names()
        if found and "alembic_version" not in found:
            raise StoreUnusable(
                f"{mask_url(store.url)} is the database of another program",
                hint="give store.url a name of its own",
            )
        upgrade(tx)


def upgrade(tx: Tx) -> None:
    """The database is at `REVISION` once `tx` commits; the caller sees to it that nobody else migrates it."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")


def revisions() -> list[str]:
    """The names of all migrations shipped, oldest first."""
    return sorted(file.name.split("_")[0] for file in Path(migrations_dir(), "versions").glob("[0-9]*_*.py"))
