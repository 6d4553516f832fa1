"""The ledger of landings: which bytes landed at which path, as which version. It never forgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, select

from ingest.domain.instants import micros
from ingest.domain.naming import landed_id
from ingest.domain.settling import StatTuple
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.schema import landings


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """One version of one path of a source."""

    sha256: str
    path: bytes
    version: int
    position: int  # of its event
    seen: StatTuple
    original: str  # id of the event that first landed these bytes in this source


def record(tx: Tx, source: str, landed: Sequence[Landing], *, now: datetime) -> None:
    """These landings stand in the ledger."""
    at = micros(now)
    _RECORD.run(
        tx, [(source, n.sha256, n.path, n.version, n.position, *n.seen, n.original, at) for n in landed]
    )


def has_landed(tx: Tx, source: str, path: bytes, sha256: str, seen: StatTuple) -> bool:
    """True when some version of this path was landed from this very tuple."""
    values = {"source": source, "sha256": sha256, "path": path, **seen._asdict()}
    return bool(tx.execute(_SAME, values).scalar())


def firsts(tx: Tx, source: str, path: bytes, sha256: str) -> tuple[str | None, str | None]:
    """The ids of the events that first landed these bytes at another path of the source, and at any.

    A few seeks, however many copies there are, unless the bytes came to this path first and are back.
    """
    values = {"source": source, "sha256": sha256, "path": path}
    copy = tx.execute(_BELOW, values).first() or tx.execute(_ABOVE, values).first()
    own = tx.execute(_OWN, values).first()
    if copy is None:
        return None, None if own is None else own.original
    if own is None or copy.original != landed_id(source, path, sha256, own.version):
        return copy.original, copy.original
    first = tx.execute(_FIRST, values).one()
    return landed_id(source, first.path, sha256, first.version), copy.original


_COLUMNS = "source sha256 path version position size mtime_ns ctime_ns inode original landed_at"
_RECORD = Batch(insert(landings).values({name: bindparam(name) for name in _COLUMNS.split()}), _COLUMNS)
_OF_CONTENT = (landings.c.source == bindparam("source"), landings.c.sha256 == bindparam("sha256"))
_PATH = bindparam("path", type_=landings.c.path.type)
_SAME = select(
    exists().where(
        *_OF_CONTENT,
        landings.c.path == _PATH,
        *(landings.c[name] == bindparam(name) for name in StatTuple._fields),
    )
)
_FOUND = select(landings.c.path, landings.c.version, landings.c.original).where(*_OF_CONTENT)
_BELOW = _FOUND.where(landings.c.path < _PATH).order_by(landings.c.path.desc()).limit(1)
_ABOVE = _FOUND.where(landings.c.path > _PATH).order_by(landings.c.path).limit(1)
_OWN = _FOUND.where(landings.c.path == _PATH).order_by(landings.c.version).limit(1)
_FIRST = _FOUND.where(landings.c.path != _PATH).order_by(landings.c.position).limit(1)
