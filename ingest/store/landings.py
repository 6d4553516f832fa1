"""The ledger of landings: which bytes landed at which path, as which version. It never forgets.

What landed first with some bytes stands beside them in `contents`; landings
that brought known bytes again are found by their digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, bindparam, exists, literal_column, select, union_all

from ingest.domain.instants import micros
from ingest.domain.naming import landed_id
from ingest.domain.settling import StatTuple
from ingest.store.contents import First
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.schema import contents, landings


class Landing(NamedTuple):
    """One version of one path of a source."""

    path: bytes
    version: int
    position: int  # of its event
    sha256: str
    is_first: bool  # the content was new to the archive
    seen: StatTuple


def record(tx: Tx, source: str, landed: Sequence[Landing], *, now: datetime) -> None:
    """These landings stand in the ledger."""
    at = micros(now)
    _RECORD.run(tx, [(source, *n[:5], *n.seen, at) for n in landed])


def has_landed(tx: Tx, source: str, path: bytes, seen: StatTuple) -> bool:
    """True when some version of this path was landed from this very tuple."""
    return bool(tx.execute(_SAME, {"source": source, "path": path, **seen._asdict()}).scalar())


def first_elsewhere(tx: Tx, source: str, path: bytes, sha256: str, first: First) -> str | None:
    """The id of the event that first landed these bytes at another path of `source`, or None.

    `first` is what landed first with them anywhere. Few rows are gone through,
    unless the bytes were at this very path again and again.
    """
    if first.source == source and first.path != path:
        return landed_id(source, first.path, sha256, first.version)
    row = tx.execute(_AGAIN_ELSEWHERE, {"source": source, "sha256": sha256, "path": path}).first()
    return None if row is None else landed_id(source, row.path, sha256, row.version)


def positions_of(sha256: str) -> CompoundSelect[int]:
    """The query for the positions of the events of all landings of these bytes."""
    return _POSITIONS.params(sha256=sha256)


_COLUMNS = "source path version position sha256 is_first size mtime_ns ctime_ns inode landed_at"
_RECORD = Batch(insert(landings).values({name: bindparam(name) for name in _COLUMNS.split()}), _COLUMNS)
_IS_AGAIN: ColumnElement[bool] = literal_column("NOT is_first")  # as in the index
_PATH = bindparam("path", type_=landings.c.path.type)
_SAME = select(
    exists().where(
        landings.c.source == bindparam("source"),
        landings.c.path == _PATH,
        *(landings.c[name] == bindparam(name) for name in StatTuple._fields),
    )
)
_AGAIN_ELSEWHERE = (
    select(landings.c.path, landings.c.version)
    .where(
        landings.c.sha256 == bindparam("sha256"),
        landings.c.source == bindparam("source"),
        _IS_AGAIN,
        landings.c.path != _PATH,
    )
    .order_by(landings.c.position)
    .limit(1)
)
_POSITIONS = union_all(
    select(landings.c.position).where(landings.c.sha256 == bindparam("sha256"), _IS_AGAIN),
    select(landings.c.position)
    .join(
        contents,
        (contents.c.source == landings.c.source)
        & (contents.c.path == landings.c.path)
        & (contents.c.version == landings.c.version),
    )
    .where(contents.c.sha256 == bindparam("sha256")),
)
