"""Members of containers by the digest of their bytes, which nothing but the fact about each of them tells."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from ingest.domain.codec import decode
from ingest.domain.events import Event, FileExtracted
from ingest.store.contents import IS_KEPT
from ingest.store.engine import Tx
from ingest.store.schema import contents, events


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The fact about a member, and the digest of the file that its bytes are in."""

    event: Event
    content: str


def of_digest(tx: Tx, sha256: str) -> Member | None:
    """The member with these bytes that was told of last, of those whose file is still kept.

    No index leads to it: the log is searched from its end.
    """
    for row in tx.execute(_TELLING, {"of_type": FileExtracted.type, "told": f'%"sha256":"{sha256}"%'}):
        event = decode(row.body, row.keyseq)
        if event.data["sha256"] == sha256:  # a field of its name may say so, too
            return Member(event=event, content=row.content)
    return None


_TELLING = (
    select(events.c.body, events.c.keyseq, events.c.content)
    .join(contents, contents.c.sha256 == events.c.content)
    .where(events.c.type == bindparam("of_type"), events.c.body.like(bindparam("told")), IS_KEPT)
    .order_by(events.c.position.desc())
)
