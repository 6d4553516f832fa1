"""Which past events a request means: for replays, dry runs and listings alike."""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select

from ingest.domain.instants import parse_rfc3339, rfc3339
from ingest.store.engine import Tx
from ingest.store.schema import dead, deliveries, events, lanes, outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Events by what they are; every criterion that is given must hold.

    `status` needs a processor's live generation to be compared with.
    """

    ids: tuple[str, ...] = ()
    source: str | None = None  # of the file at the root of the causes
    key: str | None = None  # partition key
    types: tuple[str, ...] = ()
    since: datetime | None = None  # inclusive, by the event's time
    until: datetime | None = None  # exclusive
    first: int | None = None  # inclusive, by position
    last: int | None = None  # inclusive
    status: str | None = None  # dead | done | retrying

    @property
    def is_narrowed(self) -> bool:
        """False of the selection that every event is in."""
        return self != Selection()

    def to_json(self) -> str:
        """The selection as canonical JSON; criteria not given are left out."""
        given = {k: v for k, v in dataclasses.asdict(self).items() if v is not None and v != ()}
        return json.dumps(given, sort_keys=True, default=rfc3339)

    @classmethod
    def from_json(cls, text: str) -> Selection:
        """The selection that `to_json` wrote."""
        given = json.loads(text)
        for name in ("since", "until"):
            if name in given:
                given[name] = parse_rfc3339(given[name])
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """A selection whose set cannot change any more: what it says of passing things is said in positions."""

    plain: Selection  # without a status
    spans: tuple[tuple[int, int], ...]  # of the log, both ends included, in order: only what lies in one
    accepts: frozenset[str] | None = None  # event types its processor took then; None: those it takes now
    origins: frozenset[str] | None = None  # sources, likewise; empty: all

    def to_json(self) -> str:
        """The fixed selection as JSON."""
        took = {"accepts": self.accepts, "origins": self.origins}
        then = {name: sorted(found) for name, found in took.items() if found is not None}
        return json.dumps({"plain": self.plain.to_json(), "spans": self.spans, **then})

    @classmethod
    def from_json(cls, text: str) -> Fixed:
        """The fixed selection that `to_json` wrote."""
        given = json.loads(text)
        spans = tuple((first, last) for first, last in given["spans"])
        then = {name: frozenset(given[name]) for name in ("accepts", "origins") if name in given}
        return cls(plain=Selection.from_json(given["plain"]), spans=spans, **then)


def narrowed(
    statement: Select[Any], selection: Selection, *, generation_id: int | None = None
) -> Select[Any]:
    """`statement`, which reads from `events`, with every criterion of `selection` applied."""
    return statement.where(*_plain(selection), *_status(selection.status, generation_id))


def fixed(tx: Tx, statement: Select[Any], selection: Selection, *, bound: int, generation_id: int) -> Fixed:
    """The set that `selection` means now among the events of `statement` up to `bound`, for good."""
    if selection.status is None:
        return Fixed(plain=selection, spans=((1, bound),))
    plain = dataclasses.replace(selection, status=None)
    (has_status,) = _status(selection.status, generation_id)
    considered = narrowed(statement, plain).where(events.c.position <= bound).order_by(events.c.position)
    if selection.status != "done":  # few: they are looked up, not searched for
        found = tx.execute(considered.where(has_status).with_only_columns(events.c.position)).scalars()
        return Fixed(plain=plain, spans=tuple((position, position) for position in found))
    rows = tx.execute(considered.with_only_columns(events.c.position, has_status))
    runs = groupby(rows, key=itemgetter(1))
    return Fixed(plain=plain, spans=tuple(_ends(map(itemgetter(0), run)) for has, run in runs if has))


def _ends(run: Iterator[int]) -> tuple[int, int]:
    """The first and the last of `run`, which may be long and is not kept."""
    first = next(run)
    (last,) = deque(run, maxlen=1) or (first,)
    return first, last


def _plain(selection: Selection) -> list[ColumnElement[bool]]:
    compared: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (selection.source, events.c.origin.__eq__),
        (selection.key, events.c.key.__eq__),
        (selection.since, events.c.time.__ge__),
        (selection.until, events.c.time.__lt__),
        (selection.first, events.c.position.__ge__),
        (selection.last, events.c.position.__le__),
        (selection.ids or None, events.c.id.in_),
        (selection.types or None, events.c.type.in_),
    ]
    return [compare(given) for given, compare in compared if given is not None]


def _status(status: str | None, generation_id: int | None) -> list[ColumnElement[bool]]:
    if status is None:
        return []
    if status == "dead":
        died = select(dead.c.position).where(dead.c.generation_id == generation_id)
        return [events.c.position.in_(died)]  # few: they are looked up, not searched for in the log
    if status == "done":
        ended = (outcomes.c.generation_id == generation_id, outcomes.c.position == events.c.position)
        return [exists().where(*ended, outcomes.c.state == "done")]
    failing = (
        select(deliveries.c.position)
        .join(lanes, lanes.c.id == deliveries.c.lane_id)
        .where(lanes.c.generation_id == generation_id, deliveries.c.attempts + deliveries.c.crashes > 0)
    )
    return [events.c.position.in_(failing)]
