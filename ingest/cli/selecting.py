"""From flags to a selection of events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingest.domain.events import FILE_FACTS
from ingest.domain.nearest import nearest, suggestion
from ingest.errors import NotFound, UsageError
from ingest.store import replays, sources
from ingest.store.engine import Tx
from ingest.store.reading import browsing, roster
from ingest.store.reading.browsing import ids_like, refuse_short
from ingest.store.selection import Selection

if TYPE_CHECKING:
    from ingest.cli.wiring import Pipeline

STATUSES = ("dead", "done", "retrying")


def selection(
    pipeline: Pipeline,
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

    Raises `UsageError` for a flag that cannot be read, or that leaves nothing
    to match, and `NotFound` for a source or a type that was never heard of.
    """
    if status is not None and status not in STATUSES:
        raise UsageError(f"--status {status!r} is not known", hint=f"it is one of {', '.join(STATUSES)}")
    begin, end = moment("--since", since), moment("--until", until)
    if begin is not None and end is not None and begin > end:
        raise UsageError("--since is later than --until", hint="nothing lies between them: turn them round")
    if first is not None and last is not None and first > last:
        raise UsageError("--from lies above --to", hint="nothing lies between them: turn them round")
    with pipeline.store.read() as tx:
        whole = whole_ids(tx, ids or ())
        _check_source(tx, pipeline, source)
        _check_types(tx, types or ())
    return Selection(
        ids=tuple(whole),
        source=source,
        key=key,
        types=tuple(types or ()),
        since=begin,
        until=end,
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


def _check_source(tx: Tx, pipeline: Pipeline, source: str | None) -> None:
    known = {each.name for each in pipeline.settings.sources} | {row.name for row in sources.every(tx)}
    if source is not None and source not in known:
        listed = f"there are: {', '.join(sorted(known)) or 'none'}"
        hint = suggestion(source, sorted(known), otherwise=listed)
        raise NotFound(f"there is no source {source!r}", hint=hint)


def _check_types(tx: Tx, types: Sequence[str]) -> None:
    """A type that no event has yet may come; one that is nearly that of another is misspelt."""
    known = {fact.type for fact in FILE_FACTS} | {
        type_ for row in roster.everyone(tx) for type_ in row.accepts
    }
    for type_ in types:
        meant = nearest(type_, sorted(known))
        if type_ not in known and meant is not None and not browsing.has_type(tx, type_):
            raise NotFound(f"no event is of type {type_!r}", hint=f"did you mean {meant!r}?")


def replay_id(tx: Tx, beginning: str) -> str:
    """The id of the replay that begins so; what no id begins with is kept, and will not be found.

    Raises `UsageError` for a beginning that is too short, or that several ids share.
    """
    refuse_short(beginning)
    found = replays.ids_like(tx, beginning)
    if beginning in found:
        return beginning
    if len(found) > 1:
        raise UsageError(f"{beginning!r} does not name one replay", hint="write more of the id")
    return found[0] if found else beginning


def whole_ids(tx: Tx, beginnings: Sequence[str]) -> list[str]:
    """The ids that begin so; what no id begins with is kept, and will match nothing.

    Raises `UsageError` for a beginning that is too short, or that several ids share.
    """
    whole = []
    for beginning in beginnings:
        refuse_short(beginning)
        found = ids_like(tx, beginning)
        if len(found) > 1:
            raise UsageError(f"{beginning!r} does not name one event", hint="write more of the id")
        whole.append(found[0] if found else beginning)
    return whole
