"""What the archive holds: the bytes of small contents, and the size of every one.

A content is named by the SHA-256 of all its bytes. Where `bytes` is NULL they
are an object in the archive directory. A content is never changed. One whose
bytes a retention run took is still known, and is kept again when it lands again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, literal_column, null, select, update

from ingest.store.dialect import Batch, chunks, insert, whole_sum
from ingest.store.engine import Tx
from ingest.store.lookup import Lookup
from ingest.store.schema import contents, retention_runs, sources

_PAGE = 1000  # contents listed at once when all are gone through


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One content: its digest, its size, and its bytes where they are kept inline."""

    sha256: str
    size: int
    bytes: bytes | None  # None: an object in the archive directory
    retired: str = ""  # by which run its bytes were let go, and when; empty: they are kept


class New(NamedTuple):
    """A content that the archive does not hold yet, and what brings it."""

    sha256: str
    size: int
    data: bytes | None  # None: an object in the archive directory
    path: bytes
    version: int


class First(NamedTuple):
    """What landed first with some content, in any source."""

    source: str
    path: bytes
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One content without its bytes."""

    sha256: str
    size: int
    is_inline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How much the archive holds."""

    contents: int
    bytes: int


def keep(tx: Tx, source: str, new: Sequence[New]) -> None:
    """Every one of `new` is in the archive; `source` brought it."""
    _KEEP.run(tx, [(*n[:3], source, n.path, n.version) for n in new])


def keep_again(tx: Tx, again: Sequence[New]) -> list[New]:
    """Those of the known contents `again` whose bytes were let go are kept as they come; which they are."""
    gone = {row[0] for row in _GONE.run(tx, [n.sha256 for n in again])}
    back = list({n.sha256: n for n in again if n.sha256 in gone}.values())
    _KEEP_AGAIN.run(tx, [(n.data, n.sha256) for n in back])
    return back


def firsts(tx: Tx, digests: Sequence[str]) -> dict[str, First]:
    """What landed first with each of those of `digests` that ever landed, let go or not."""
    return {row[0]: First(*row[1:]) for row in _FIRSTS.run(tx, digests)}


def known(tx: Tx, digests: Sequence[str]) -> set[str]:
    """Those of `digests` whose object lies in the archive by right."""
    return {row[0] for row in _HELD.run(tx, digests)}


def find(tx: Tx, sha256: str) -> Content | None:
    """The content with this digest, or None."""
    row = tx.execute(_FIND, {"sha256": sha256}).first()
    if row is None:
        return None
    return Content(sha256=row.sha256, size=row.size, bytes=row.bytes, retired=_retired(row))


def digests_like(tx: Tx, beginning: str) -> list[str]:
    """The digests of contents that begin with these hex digits, let go or not; some of them where many do."""
    return list(tx.execute(_LIKE, {"least": beginning, "beyond": beginning + _BEYOND_HEX}).scalars())


def read_many(tx: Tx, digests: Sequence[str]) -> dict[str, bytes]:
    """The bytes of those of `digests` that are kept inline, as they stand, not verified."""
    return {
        row.sha256: row.bytes for chunk in chunks(digests) for row in tx.execute(_INLINE, {"digests": chunk})
    }


def page(tx: Tx, after: str = "") -> list[Entry]:
    """The next contents in the order of their digests; empty at the end."""
    rows = tx.execute(_NEXT, {"after": after})
    return [Entry(sha256=row.sha256, size=row.size, is_inline=bool(row.is_inline)) for row in rows]


def has_objects(tx: Tx) -> bool:
    """True when a content lies in the archive's directory; asked only where that is not there."""
    return tx.execute(_OBJECT).first() is not None


def totals(tx: Tx) -> Totals:
    """How many contents there are and how large they are together, by the sources' own counts."""
    row = tx.execute(_TOTALS).one()
    return Totals(contents=row.contents, bytes=row.bytes)


def _retired(row: Any) -> str:
    return f"{row.run_id} on {row.started_at:%Y-%m-%d}" if row.started_at else ""


_COLUMNS = "sha256 size bytes source path version"
_KEEP = Batch(
    insert(contents)
    .values({name: bindparam(name) for name in _COLUMNS.split()})
    .on_conflict_do_nothing(index_elements=["sha256"]),
    _COLUMNS,
)
_FIRSTS = Lookup(
    select(contents.c.sha256, contents.c.source, contents.c.path, contents.c.version), contents.c.sha256
)
_STATE: ColumnElement[str] = contents.c.state
_GONE = Lookup(select(contents.c.sha256).where(literal_column("'kept'") != _STATE), contents.c.sha256)
_HELD = Lookup(select(contents.c.sha256).where(literal_column("'retired'") != _STATE), contents.c.sha256)
_KEEP_AGAIN = Batch(
    update(contents)
    .where(contents.c.sha256 == bindparam("of_sha256"))
    .values(bytes=bindparam("data"), state=literal_column("'kept'"), run_id=null()),
    "data of_sha256",
)
IS_KEPT = literal_column("'kept'") == _STATE
_FIND = (
    select(contents, retention_runs.c.started_at)
    .join(retention_runs, retention_runs.c.id == contents.c.run_id, isouter=True)
    .where(contents.c.sha256 == bindparam("sha256"))
)
_BEYOND_HEX = "g"  # sorts behind every hex digit
_LIKE = (
    select(contents.c.sha256)
    .where(contents.c.sha256 >= bindparam("least"), contents.c.sha256 < bindparam("beyond"))
    .order_by(contents.c.sha256)
    .limit(5)
)
_OBJECT = select(contents.c.sha256).where(contents.c.bytes.is_(None), IS_KEPT).limit(1)
_INLINE = select(contents.c.sha256, contents.c.bytes).where(
    contents.c.sha256.in_(bindparam("digests", expanding=True)), contents.c.bytes.is_not(None)
)
_NEXT = (
    select(contents.c.sha256, contents.c.size, contents.c.bytes.is_not(None).label("is_inline"))
    .where(contents.c.sha256 > bindparam("after"), IS_KEPT)
    .order_by(contents.c.sha256)
    .limit(_PAGE)
)
_TOTALS = select(
    whole_sum(sources.c.contents).label("contents"),
    whole_sum(sources.c.content_bytes).label("bytes"),
)
