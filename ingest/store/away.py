"""Files that were turned away: refused, or suppressed as duplicates, with the tuple they had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, select

from ingest.domain.naming import duplicate_id
from ingest.domain.settling import StatTuple
from ingest.store.engine import Tx
from ingest.store.lookup import Lookup
from ingest.store.schema import events, sightings
from ingest.store.sightings import TURNED_AWAY


class Away(NamedTuple):
    """What was seen last at a path, and was turned away."""

    seen: StatTuple
    reason: str
    suppressed: str | None  # the digest of a duplicate that was suppressed


def turned_away(tx: Tx, source: str, paths: Sequence[bytes]) -> dict[bytes, Away]:
    """What was turned away at those of `paths` where something was, and nothing else was seen since."""
    if not paths:
        return {}
    found = {
        path: (state, reason, StatTuple(*seen)) for path, state, reason, *seen in _AWAY.run(tx, paths, source)
    }
    ids = {path: duplicate_id(source, path, seen.text()) for path, (_, _, seen) in found.items()}
    contents = dict(_CONTENT.run(tx, list(ids.values()))) if ids else {}
    return {
        path: Away(seen, reason, contents.get(ids[path]) if state == "suppressed" else None)
        for path, (state, reason, seen) in found.items()
    }


_AWAY = Lookup(
    select(
        sightings.c.path,
        sightings.c.state,
        sightings.c.reason,
        *(sightings.c[name] for name in StatTuple._fields),
    ).where(
        sightings.c.source == bindparam("source"),
        sightings.c.state.in_([literal_column(f"'{state}'") for state in TURNED_AWAY]),
    ),
    sightings.c.path,
    "source",
)
_CONTENT = Lookup(select(events.c.id, events.c.content), events.c.id)
