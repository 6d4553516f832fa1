"""From flags to a selection of events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ingest.errors import UsageError
from ingest.store.browsing import SHORTEST, ids_like
from ingest.store.engine import Store, Tx
from ingest.store.selection import Selection

STATUSES = ("dead", "done", "retrying")


def selection(
    store: Store,
    *,
    ids: Sequence[str] | None = None,
    source: str | None = None,
    key: str | None = None,
    types: Sequence[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    first: int | None = None,
    last: int | None = None,
    status: str | None = None,
) -> Selection:
    """The selection that the flags describe; ids may be given by their beginning.

    Raises `UsageError` for a flag that cannot be read.
    """
    if status is not None and status not in STATUSES:
        raise UsageError(f"--status {status!r} is not known", hint=f"it is one of {', '.join(STATUSES)}")
    with store.read() as tx:
        whole = whole_ids(tx, ids or ())
    return Selection(
        ids=tuple(whole),
        source=source,
        key=key,
        types=tuple(types or ()),
        since=moment("--since", since),
        until=moment("--until", until),
        first=first,
        last=last,
        status=status,
    )


def moment(flag: str, text: str | None) -> datetime | None:
    """The moment that RFC 3339 `text`, or a date, names; in UTC where it names no zone."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{flag} {text!r} is not a time", hint="write it as 2026-03-01 or 2026-03-01T09:30:00Z"
        ) from error
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def whole_ids(tx: Tx, beginnings: Sequence[str]) -> list[str]:
    """The ids that begin so; what no id begins with is kept, and will match nothing.

    Raises `UsageError` for a beginning that several ids share.
    """
    whole = []
    for beginning in beginnings:
        found = ids_like(tx, beginning)
        if len(found) > 1 or len(beginning) < SHORTEST:
            raise UsageError(f"{beginning!r} does not name one event", hint="write more of the id")
        whole.append(found[0] if found else beginning)
    return whole
