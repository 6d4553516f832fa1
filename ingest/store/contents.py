"""What the archive holds: the bytes of small contents, and the size of every one.

A content is named by the SHA-256 of all its bytes. Where `bytes` is NULL they
are an object in the archive directory. A content is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.outbox import chunks
from ingest.store.schema import contents

_PAGE = 1000  # contents listed at once when all are gone through


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One content: its digest, its size, and its bytes where they are kept inline."""

    sha256: str
    size: int
    bytes: bytes | None  # None: an object in the archive directory


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


def keep(tx: Tx, kept: Sequence[tuple[str, int, bytes | None]]) -> None:
    """Each (digest, size, bytes) is in the archive; one that is there already is left as it is."""
    _KEEP.run(tx, kept)


def known(tx: Tx, digests: Sequence[str]) -> set[str]:
    """Those of `digests` whose content the archive holds."""
    return {row.sha256 for chunk in chunks(digests) for row in tx.execute(_KNOWN, {"digests": chunk})}


def find(tx: Tx, sha256: str) -> Content | None:
    """The content with this digest, or None."""
    row = tx.execute(_FIND, {"sha256": sha256}).first()
    return None if row is None else Content(sha256=row.sha256, size=row.size, bytes=row.bytes)


def read_many(tx: Tx, digests: Sequence[str]) -> dict[str, bytes]:
    """The bytes of those of `digests` that are kept inline, as they stand, not verified."""
    return {
        row.sha256: row.bytes for chunk in chunks(digests) for row in tx.execute(_INLINE, {"digests": chunk})
    }


def page(tx: Tx, after: str = "") -> list[Entry]:
    """The next contents in the order of their digests; empty at the end."""
    rows = tx.execute(_NEXT, {"after": after})
    return [Entry(sha256=row.sha256, size=row.size, is_inline=bool(row.is_inline)) for row in rows]


def totals(tx: Tx) -> Totals:
    """How many contents there are and how large they are together."""
    row = tx.execute(_TOTALS).one()
    return Totals(contents=row.contents, bytes=row.bytes)


_COLUMNS = "sha256 size bytes"
_KEEP = Batch(
    insert(contents)
    .values({name: bindparam(name) for name in _COLUMNS.split()})
    .on_conflict_do_nothing(index_elements=["sha256"]),
    _COLUMNS,
)
_KNOWN = select(contents.c.sha256).where(contents.c.sha256.in_(bindparam("digests", expanding=True)))
_FIND = select(contents).where(contents.c.sha256 == bindparam("sha256"))
_INLINE = select(contents.c.sha256, contents.c.bytes).where(
    contents.c.sha256.in_(bindparam("digests", expanding=True)), contents.c.bytes.is_not(None)
)
_NEXT = (
    select(contents).where(contents.c.sha256 > bindparam("after")).order_by(contents.c.sha256).limit(_PAGE)
)
_TOTALS = select(
    func.count().label("contents"), func.coalesce(func.sum(contents.c.size), 0).label("bytes")
).select_from(contents)
