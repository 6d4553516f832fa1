"""Members of containers by the digest of their bytes, which nothing but the fact about each of them tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

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


def told_of(tx: Tx, beginning: str, *, limit: int) -> list[tuple[str, str]]:
    """The digest of each member's bytes that begins with these hex digits, and the id of the fact about it.

    As they were told, the first `limit` of them. No index leads to them: the whole log is searched.
    """
    found: list[tuple[str, str]] = []
    sought: dict[str, Any] = {"of_type": FileExtracted.type, "told": f'%"sha256":"{beginning}%', "after": 0}
    while len(found) < limit:
        rows = tx.execute(_TOLD, sought).all()
        said = [(str(json.loads(row.body)["data"]["sha256"]), row.id) for row in rows]
        found += [each for each in said if each[0].startswith(beginning)]
        if len(rows) < _PAGE:
            break
        sought["after"] = rows[-1].position
    return found[:limit]


_PAGE = 200  # facts read at once
_TOLD = (
    select(events.c.position, events.c.id, events.c.body)
    .where(
        events.c.type == bindparam("of_type"),
        events.c.body.like(bindparam("told")),
        events.c.position > bindparam("after"),
    )
    .order_by(events.c.position)
    .limit(_PAGE)
)
_TELLING = (
    select(events.c.body, events.c.keyseq, events.c.content)
    .join(contents, contents.c.sha256 == events.c.content)
    .where(events.c.type == bindparam("of_type"), events.c.body.like(bindparam("told")), IS_KEPT)
    .order_by(events.c.position.desc())
)
