"""The store: its schema, whether it is sound, what it says of everybody, and the clock beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ingest.archive import Archive
from ingest.cli import statuses, wiring
from ingest.cli.doctor.findings import Finding, failed, ill, well
from ingest.cli.problems import problems
from ingest.cli.statuses import Status
from ingest.cli.wiring import Pipeline
from ingest.cli.words import age
from ingest.config import Settings
from ingest.domain.showing import show
from ingest.errors import IngestError
from ingest.store.engine import Store
from ingest.store.opening import place_of, refuse_damage, revision
from ingest.store.reading import browsing, reports
from ingest.store.reading.reports import SourceStatus
from ingest.store.schema import REVISION

_AREA = "store"
_AHEAD = timedelta(seconds=2)  # what clocks may differ by before anybody is told
_HINTS = (
    (" is stale", "start it again: the next one takes over what it held"),
    (" dead", "see `ingest dead list`"),
    ("source ", "see its error in `ingest status`"),
    ("write lock", "find the process that holds it, and end it"),
    ("write-ahead log", "end whatever reads the database without end"),
)


def findings(held: Settings) -> tuple[list[Finding], Sequence[SourceStatus]]:
    """What can be said of the store, and the sources as it knows them; none where it cannot be read."""
    found: list[Finding] = []
    seen: Sequence[SourceStatus] = ()
    try:
        with wiring.existing(held) as store:
            found += _schema(store)
            refuse_damage(store)
            if store.dialect == "sqlite":
                said = "no damage found in half a second; `ingest db check` reads all"
                found.append(well(_AREA, "soundness", said))
            store.refuse_other_schema()
            status = _status(held, store)
            found += [*_state(status), *_clock(store, store.now())]
            seen = status.sources
    except IngestError as error:
        if not any(error.message == finding.problem for finding in found):
            found.append(failed(_AREA, "database", error))
    return found, seen


def _schema(store: Store) -> Iterator[Finding]:
    yield well(_AREA, "database", show(os.fsencode(place_of(store.url))))
    yield well(_AREA, "schema", f"{revision(store)}, newest known {REVISION}")


def _status(held: Settings, store: Store) -> Status:
    archive = Archive(store, held.store.archive)
    return statuses.gather(Pipeline(settings=held, store=store, archive=archive))


def _state(status: Status) -> Iterator[Finding]:
    """What `status --check` finds."""
    for kind, them in (("watchers", status.watchers), ("workers", status.workers)):
        yield well("status", kind, sum(one.state != "stale" for one in them))
    for problem in problems(status):
        hint = next((hint for word, hint in _HINTS if word in problem), "`ingest status` says more")
        yield ill("status", "problem", problem, hint)


def _clock(store: Store, now: datetime) -> Iterator[Finding]:
    """A clock that is behind what it said before was set back."""
    with store.read() as tx:
        head = reports.head_position(tx)
        stated = browsing.event(tx, str(head), now=now).time if head else now
    if stated > now + _AHEAD:
        behind = age((stated - now).total_seconds())
        yield ill(
            "machine", "clock", f"it is {behind} behind the newest event", "set it right: was it set back?"
        )
    else:
        yield well("machine", "clock", now.isoformat(timespec="seconds"))
