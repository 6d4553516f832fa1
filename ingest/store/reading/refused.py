"""Rows that processors refused, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from ingest.store.engine import Store, Tx
from ingest.store.schema import rejects

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One row of an input that was not taken, and by which rule."""

    event_id: str
    processor: str
    line: int | None
    column: str | None
    rule: str
    raw: str  # bounded, escaped


def has_any(tx: Tx, processor: str) -> bool:
    """True when a row was refused by this processor, which may be gone."""
    return tx.execute(_FIRST_OF, {"of_processor": processor}).first() is not None


def refused(store: Store, *, event_id: str | None = None, processor: str | None = None) -> Iterator[Refused]:
    """The refused rows, in the order in which they were recorded; each page is one short snapshot."""
    statement = select(rejects).order_by(rejects.c.id).limit(PAGE)
    if event_id is not None:
        statement = statement.where(rejects.c.event_id == event_id)
    if processor is not None:
        statement = statement.where(rejects.c.processor == processor)
    after = 0
    while True:
        with store.read() as tx:
            rows = tx.execute(statement.where(rejects.c.id > after)).all()
        for row in rows:
            yield Refused(
                event_id=row.event_id,
                processor=row.processor,
                line=row.line,
                column=row.column,
                rule=row.rule,
                raw=row.raw,
            )
        if len(rows) < PAGE:
            return
        after = rows[-1].id


_FIRST_OF = select(rejects.c.id).where(rejects.c.processor == bindparam("of_processor")).limit(1)
