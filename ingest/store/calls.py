"""Calls to the outside: intents that commit with the rows, and what became of them.

A call stands from the commit of its intent on, under one key and with one
request, whoever makes it: the worker that registered it, one that took over, a
person's retry, or a rerun. Nothing here reaches outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, exists, literal_column, null, or_, select, update

from ingest.domain.calls import Intent
from ingest.domain.codec import loads
from ingest.domain.instants import micros
from ingest.store import effects
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.held import Held
from ingest.store.schema import calling, calls, dead, generations

PREFIX = "call:"  # of the effect that a call is


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call that has no result yet."""

    key: str
    name: str
    function: str
    is_repeatable: bool
    request: str  # canonical JSON
    was_begun: bool  # only ever true of one that must not be repeated

    def value(self) -> object:
        """The request, as it was registered."""
        return loads(self.request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A call that was made."""

    key: str
    name: str
    result: str | None  # JSON
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A call that was registered, whatever became of it."""

    processor: str
    name: str
    request: str  # canonical JSON
    is_made: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """How the calls of a run compare with those that stood."""

    new: int  # did not stand
    changed: int  # stand with another request, or stand and were not registered again


def register(
    tx: Tx, held: Held, processor: str, intents: Sequence[Intent], *, scope: str, now: datetime
) -> Registered:
    """Each intent stands; one whose key stands keeps the request it was registered with."""
    of = {"of_position": held.position, "of_processor": processor, "of_scope": scope}
    stood = {row.name: row.request for row in tx.execute(_STANDING, of)}
    at = micros(now)
    rows = [
        (
            effects.key_of(processor, held.event_id, PREFIX + one.name, scope),
            *(held.lane.generation_id, processor, held.position, n, scope),
            *(one.name, one.function, one.is_repeatable, one.request, at),
        )
        for n, one in enumerate(intents)
        if one.name not in stood
    ]
    _INTEND.run(tx, rows)
    now_wanted = {one.name: one.request for one in intents}
    changed = sum(now_wanted.get(name) != request for name, request in stood.items())
    return Registered(new=len(rows), changed=changed)


def adopt(tx: Tx, held: Held, processor: str) -> None:
    """Calls that a rerun registered and has not made are this delivery's to make.

    For live work, which waits for a person where it fails; a replay does not.
    """
    of = {"of_position": held.position, "of_processor": processor, "of_scope": ""}
    tx.execute(_ADOPT, {**of, "by_generation": held.lane.generation_id})


def open_calls(tx: Tx, held: Held, processor: str, *, scope: str) -> list[OpenCall]:
    """The calls of the event that this delivery has to make, in the order in which they were registered.

    Its own, and those of a delivery that makes none any more: it is dead, or
    its replay was cancelled. Those of one that is still at it are left to it.
    """
    found = tx.execute(
        _OPEN,
        {
            "of_position": held.position,
            "of_processor": processor,
            "of_scope": scope,
            "of_generation": held.lane.generation_id,
        },
    )
    return [OpenCall(**row) for row in found.mappings()]


def registered(tx: Tx) -> list[Stands]:
    """Every call that stands, in the order of events and of registering."""
    return [
        Stands(processor=row.processor, name=row.name, request=row.request, is_made=row.made_at is not None)
        for row in tx.execute(_ALL)
    ]


def begin(tx: Tx, key: str, *, now: datetime) -> bool:
    """A call that must not be repeated is about to be made; False when it was begun before, or is made."""
    return bool(tx.execute(_BEGIN, {"of_key": key, "now": now}).rowcount)


def record(tx: Tx, held: Held, processor: str, made: Sequence[Made], *, scope: str, now: datetime) -> None:
    """These calls were made: their results and their effects stand.

    One that was made on purpose under a new key also stands for the call of
    that name which nobody is at any more: no rerun makes that one as well.
    """
    _MADE.run(tx, [(one.result, micros(one.at), one.key) for one in made])
    if scope:
        of = (held.position, processor)
        _MADE_BY_FORCE.run(tx, [(one.result, micros(one.at), *of, one.name) for one in made])
    happened = [(held, PREFIX + one.name) for one in made]
    effects.record(tx, happened, processor, now=now, scope=scope)


def are_missing(tx: Tx, processor: str, position: int) -> bool:
    """True when a call of the event has no result yet, whoever is to make it."""
    found = tx.execute(_MISSING, {"of_position": position, "of_processor": processor, "of_scope": ""})
    return bool(found.scalar())


def allow_again(tx: Tx, keys: Sequence[tuple[int, int]]) -> None:
    """Calls of these (generation, event) that had been begun and must not be repeated may be made once more.

    Also those that a rerun of the event, which has failed too, registered; not those
    of a replay that is still at it, nor those that were repeated on purpose.
    """
    _ALLOW.run(tx, [(generation_id, position, "") for generation_id, position in keys])


def forget(tx: Tx, keys: Sequence[tuple[int, int]]) -> None:
    """These (generation, event) make no call any more; what they had intended stays on record."""
    _FORGET.run(tx, keys)


_ALL = select(calls).order_by(calls.c.position, calls.c.processor, calls.c.n)
_OF_EVENT = (
    calls.c.position == bindparam("of_position"),
    calls.c.processor == bindparam("of_processor"),
    calls.c.scope == bindparam("of_scope"),
)
_STANDING = select(calls.c.name, calls.c.request).where(*_OF_EVENT)
_COLUMNS = "key generation_id processor position n scope name function is_repeatable request intended_at"
_INTEND = Batch(
    insert(calls).values({name: bindparam(name) for name in _COLUMNS.split()}).on_conflict_do_nothing(),
    _COLUMNS,
)
_IS_AT_WORK = and_(
    exists().where(
        calling.c.generation_id == calls.c.generation_id,
        calling.c.position == calls.c.position,
    ),
    exists().where(
        generations.c.id == calls.c.generation_id, generations.c.state != literal_column("'closed'")
    ),
    ~exists().where(dead.c.generation_id == calls.c.generation_id, dead.c.position == calls.c.position),
)
_OPEN = (
    select(
        calls.c.key,
        calls.c.name,
        calls.c.function,
        calls.c.is_repeatable,
        calls.c.request,
        calls.c.begun_at.is_not(None).label("was_begun"),
    )
    .where(
        *_OF_EVENT,
        calls.c.made_at.is_(None),
        or_(calls.c.generation_id == bindparam("of_generation"), ~_IS_AT_WORK),
    )
    .order_by(calls.c.generation_id, calls.c.n)
)
_UNMADE = calls.c.made_at.is_(None)
_ADOPT = update(calls).where(*_OF_EVENT, _UNMADE).values(generation_id=bindparam("by_generation"))
_BEGIN = (
    update(calls)
    .where(calls.c.key == bindparam("of_key"), _UNMADE, calls.c.begun_at.is_(None))
    .values(begun_at=bindparam("now", type_=calls.c.begun_at.type))
)
_MADE = Batch(
    update(calls)
    .where(calls.c.key == bindparam("of_key"), _UNMADE)
    .values(result=bindparam("result"), made_at=bindparam("at", type_=calls.c.n.type)),
    "result at of_key",
)
_MADE_BY_FORCE = Batch(
    update(calls)
    .where(
        calls.c.position == bindparam("of_position"),
        calls.c.processor == bindparam("of_processor"),
        calls.c.name == bindparam("of_name"),
        calls.c.scope == literal_column("''"),
        _UNMADE,
        ~_IS_AT_WORK,
    )
    .values(result=bindparam("result"), made_at=bindparam("at", type_=calls.c.n.type)),
    "result at of_position of_processor of_name",
)
_MISSING = select(exists().where(*_OF_EVENT, _UNMADE))
_ALLOW = Batch(
    update(calls)
    .where(
        calls.c.position == bindparam("of_position"),
        calls.c.processor
        == select(generations.c.processor)
        .where(generations.c.id == bindparam("of_generation"))
        .scalar_subquery(),
        calls.c.scope == bindparam("of_scope"),
        _UNMADE,
        or_(calls.c.generation_id == bindparam("of_generation"), ~_IS_AT_WORK),
    )
    .values(begun_at=null()),
    "of_generation of_position of_scope",
)
_FORGET = Batch(
    delete(calling).where(
        calling.c.generation_id == bindparam("of_generation"), calling.c.position == bindparam("of_position")
    ),
    "of_generation of_position",
)
