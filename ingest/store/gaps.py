"""Times in which a source may have been changed unseen, until a scan that began later has come to its end.

However many watchers a source has, it has one open gap at most: whoever finds
out first opens it, whoever first ends a scan that began with it open closes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select, update

from ingest.store.dialect import insert
from ingest.store.engine import Tx
from ingest.store.schema import gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A gap that no scan has closed yet."""

    number: int  # 1, 2, 3, … of the source
    reason: str


def open_gap(tx: Tx, source: str, reason: str, *, now: datetime) -> int | None:
    """The number of the gap that is open from now on; None when one was open already."""
    number = int(tx.execute(_LAST, {"of_source": source}).scalar_one()) + 1
    values = {"source": source, "number": number, "reason": reason, "detected_at": now}
    return tx.execute(_OPEN, values).scalar_one_or_none()


def find_open(tx: Tx, source: str) -> Gap | None:
    """The gap of `source` that is open, if one is."""
    row = tx.execute(_FIND, {"of_source": source}).first()
    return None if row is None else Gap(number=row.number, reason=row.reason)


def close_gap(tx: Tx, source: str, number: int, *, now: datetime) -> bool:
    """The gap is closed; False when it was already."""
    values = {"of_source": source, "of_number": number, "ended_at": now}
    return tx.execute(_CLOSE, values).rowcount == 1


_OF_SOURCE = gaps.c.source == bindparam("of_source")
_IS_OPEN: ColumnElement[bool] = literal_column("ended_at IS NULL")  # as in the index
_LAST = select(func.coalesce(func.max(gaps.c.number), 0)).where(_OF_SOURCE)
_OPEN = (
    insert(gaps)
    .values({name: bindparam(name) for name in ("source", "number", "reason", "detected_at")})
    .on_conflict_do_nothing()
    .returning(gaps.c.number)  # a count of inserted rows is not told on every backend
)
_FIND = select(gaps.c.number, gaps.c.reason).where(_OF_SOURCE, _IS_OPEN)
_CLOSE = (
    update(gaps)
    .where(_OF_SOURCE, gaps.c.number == bindparam("of_number"), _IS_OPEN)
    .values(ended_at=bindparam("ended_at"))
)
