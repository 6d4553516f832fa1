"""One run of a processor without any store: what it hands over to the engine's own context.

For tests that run a function hundreds of times. What becomes of it once it is
applied, a bench tells.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.contract import Processor
from ingest.domain.codec import decode, new_event, typed
from ingest.domain.events import Event
from ingest.domain.naming import encode_attribute
from ingest.domain.settling import StatTuple
from ingest.domain.upcast import as_accepted
from ingest.store.handover import Facts, Rejects, Rows
from ingest.store.outbox import Draft
from ingest.store.sightings import Look
from ingest.testing.seen import Call, Refusal
from ingest.watch.landing.drafts import Origin, landed
from ingest.watch.landing.take import Taken
from ingest.work.context import Collector, Surroundings
from ingest.work.spool import Spool

_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_SOURCE = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """A fact as it was handed over: `key` orders it, `name` makes its id."""

    fact: Any
    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as it was handed over: its values as the database would keep them, and its fact."""

    table: str
    values: Mapping[str, Any]
    emitted: Emitted | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """All that one run handed over, in its order."""

    rows: tuple[Row, ...]
    facts: tuple[Emitted, ...]  # those that depend on no row
    refusals: tuple[Refusal, ...]
    calls: tuple[Call, ...]


def hand_over(
    processor: Processor,
    given: Any,
    *,
    name: str = "file",
    encoding: str = "utf-8",
    options: Mapping[str, Any] | None = None,
) -> HandedOver:
    """What `processor` hands over for a file of these bytes or this text, or for a fact.

    Whatever it raises is raised. Nothing stands, so `ctx.select` finds nothing.
    """
    data = given.encode(encoding) if isinstance(given, str) else given
    event, content = _file(data, name, encoding) if isinstance(data, bytes) else (_fact(data, name), None)
    event = as_accepted(event, frozenset(processor.accepts))
    around = Surroundings(
        processor=processor.function.__name__,
        options=options or {},
        open=lambda _digest, _event: io.BytesIO(data),
        select=lambda _table, _equal: [],
        clock=lambda: _NOON,
    )
    context = Collector(event, origin=_SOURCE, content=content, around=around, calls=processor.owned_calls)
    with closing(context.spool):
        processor(typed(event), context)
        return _seen(context.seal(), around.processor)


def _file(data: bytes, name: str, encoding: str) -> tuple[Event, str]:
    """The fact that this file landed, and the digest of its bytes."""
    origin = Origin(name=_SOURCE, event_source=f"/ingest/{_SOURCE}", encoding=encoding)
    sha256 = hashlib.sha256(data).hexdigest()
    look = Look(name.encode(), StatTuple(len(data), 0, 0, ""))
    taken = Taken(look, sha256, data, None, "renamed")
    _, draft = landed(origin, taken, None, duplicate_of=None, now=_NOON)
    return decode(draft.body, 1), sha256


def _fact(fact: Any, name: str) -> Event:
    subject = encode_attribute(name)
    return new_event(
        fact, id="1", source=f"/ingest/{_SOURCE}", subject=subject, time=_NOON, partitionkey=subject
    )


def _seen(spool: Spool, processor: str) -> HandedOver:
    rows: list[Row] = []
    facts: list[Emitted] = []
    refusals: list[Refusal] = []
    for piece in spool.pieces():
        match piece:
            case Rows():
                names = [column.name for column in piece.table.columns]
                drafts = piece.facts or [None] * len(piece.rows)
                for values, draft in zip(piece.rows, drafts, strict=True):
                    named = dict(zip(names, values, strict=True))
                    rows.append(
                        Row(table=piece.table.name, values=named, emitted=_emitted(draft) if draft else None)
                    )
            case Facts():
                facts += map(_emitted, piece.facts)
            case Rejects():
                for line, column, rule, raw in piece.rejects:
                    refusals.append(
                        Refusal(processor=processor, line=line, column=column, rule=rule, raw=raw)
                    )
    calls = [
        Call(processor=processor, name=one.name, request=one.value(), is_made=False) for one in spool.calls
    ]
    return HandedOver(rows=tuple(rows), facts=tuple(facts), refusals=tuple(refusals), calls=tuple(calls))


def _emitted(draft: Draft) -> Emitted:
    event = decode(draft.body)
    return Emitted(fact=typed(event), key=draft.key, name=event.subject or "")
