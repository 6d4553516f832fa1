"""The mark of a store that was moved to another database, so that nobody goes on with it by accident.

It stands where every version of ingest looks before it uses a store: in place
of the schema's revision. Nothing else of the store is changed.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, Table, Text, insert, select, text, update
from sqlalchemy.sql import table as named
from sqlalchemy.sql.expression import column

from ingest.errors import StoreUnusable

MOVED = "moved"  # in place of the revision

_moved = Table("ingest_moved", MetaData(), Column("place", Text, nullable=False), Column("revision", Text))
_revision = named("alembic_version", column("version_num"))


def mark(tx: Connection, place: str) -> None:
    """The store is refused from now on, by processes that had it open too; `place` is where it is now."""
    if moved_to(tx) is not None:
        return
    _moved.create(tx)  # SQLite's writers look at the revision again whenever a table was made
    tx.execute(
        insert(_moved).from_select(["place", "revision"], select(text(":place"), _revision.c.version_num)),
        {"place": place},
    )
    tx.execute(update(_revision).values(version_num=MOVED))


def moved_to(tx: Connection) -> str | None:
    """Where the store was moved to; None where it was not."""
    if tx.execute(select(_revision.c.version_num)).scalar() != MOVED:
        return None
    return str(tx.execute(select(_moved.c.place)).scalar_one())


def refusal(tx: Connection) -> StoreUnusable:
    """Nobody is to go on with a store that was moved."""
    return StoreUnusable(
        f"the store was moved to {moved_to(tx)}",
        hint="name that one as store.url in ingest.toml",
    )
