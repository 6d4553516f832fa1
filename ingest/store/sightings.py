"""What the watcher knows of each path of a source: what was seen there last, and what has landed.

`size … inode` is the tuple seen last, `state` and `reason` what became of it.
`version`, `sha256`, `event_id` and `landed_tuple` are those of the content
that stands landed, whatever was seen since; NULL before the first landing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, literal_column, not_, or_, select, update

from ingest.domain.identity import Standing
from ingest.domain.instants import micros
from ingest.domain.settling import StatTuple
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.lookup import Lookup
from ingest.store.schema import sightings

_PAGE = 1000
TURNED_AWAY = ("refused", "suppressed")  # states of a tuple that is done with and has not landed
OPEN = ("settling", "blocked")  # states in which something is still to be done


class Look(NamedTuple):
    """One path and the tuple that was seen there at one instant."""

    path: bytes
    stat: StatTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One path of a source, as the watcher last saw it."""

    source: str
    path: bytes
    seen: StatTuple
    state: str  # settling | landed | refused | suppressed | blocked
    reason: str
    since: datetime  # the tuple is unchanged since
    standing: Standing | None  # what has landed
    redelivered: int  # how often the bytes that stand were delivered again


class Waiting(NamedTuple):
    """A path that was seen and has not landed, with the reason."""

    look: Look
    since: datetime
    reason: str


class Landed(NamedTuple):
    """A path whose content stands landed from now on."""

    look: Look
    version: int
    sha256: str
    event_id: str


def unsettled(tx: Tx, source: str, looks: Sequence[Look]) -> list[Look]:
    """Those of `looks` that have neither landed from this very tuple nor been turned away with it."""
    done: set[tuple[bytes, str]] = set()
    for path, state, landed_tuple, *seen in _DONE.run(tx, [look.path for look in looks], source):
        if landed_tuple is not None:
            done.add((path, landed_tuple))
        if state in TURNED_AWAY:
            done.add((path, StatTuple(*seen).text()))
    others = [look for look in looks if (look.path, look.stat.text()) not in done]
    if not others or not done:
        return others
    paths = {look.path for look in others}  # few: only for them is it worth reading the tuples
    known = {Look(path, StatTuple.parse(text)) for path, text in done if path in paths}
    return [look for look in others if look not in known]


def standing(tx: Tx, source: str, paths: Sequence[bytes]) -> dict[bytes, Standing]:
    """What stands landed at each of `paths` where something does."""
    return _by_path(_STANDING.run(tx, paths, source))


def lock_standing(tx: Tx, source: str, paths: Sequence[bytes]) -> dict[bytes, Standing]:
    """What stands landed at each of `paths`, as `standing` has it; locked until the transaction ends."""
    return _by_path(_LOCKED.run(tx, paths, source))


def find(tx: Tx, source: str, path: bytes) -> Sighting | None:
    """What is known of one path, or None when it was never seen."""
    row = tx.execute(_FIND, {"of_source": source, "of_path": path}).first()
    return None if row is None else _sighting(row)


def to_be_done(tx: Tx, source: str, after: bytes = b"") -> list[Sighting]:
    """The next sightings that are settling or blocked, in the order of their paths; empty at the end."""
    return [_sighting(row) for row in tx.execute(_OPEN, {"source": source, "after": after})]


def wait(tx: Tx, source: str, state: str, waiting: Sequence[Waiting]) -> None:
    """Each of `waiting` is known as `state`, settling or blocked, unless its tuple is done with already."""
    rows = [(source, *_row(w.look), state, w.reason, micros(w.since), w.look.stat.text()) for w in waiting]
    _WAIT.run(tx, rows)


def refuse(tx: Tx, source: str, refused: Sequence[Waiting]) -> None:
    """Each of `refused` is known as refused, with the reason."""
    _REFUSE.run(tx, [(source, *_row(r.look), r.reason, micros(r.since)) for r in refused])


def suppress(tx: Tx, source: str, suppressed: Sequence[Waiting]) -> None:
    """Each of `suppressed` is known as a duplicate that does not land, with the reason."""
    _SUPPRESS.run(tx, [(source, *_row(s.look), s.reason, micros(s.since)) for s in suppressed])


def land(tx: Tx, source: str, landed: Sequence[Landed], *, now: datetime) -> None:
    """What stands at each path is the content that has landed now."""
    at = micros(now)
    _LAND.run(
        tx,
        [(source, *_row(n.look), at, n.version, n.sha256, n.event_id, n.look.stat.text()) for n in landed],
    )


def redeliver(tx: Tx, source: str, looks: Sequence[Look], *, now: datetime) -> None:
    """The content that stands at each path was delivered once more, with the tuple of the look."""
    at = micros(now)
    _REDELIVER.run(tx, [(*look.stat, at, look.stat.text(), source, look.path) for look in looks])


def remark(tx: Tx, source: str, path: bytes, reason: str) -> None:
    """What is known of the path carries this remark, until something else becomes of it."""
    tx.execute(_REMARK, {"of_source": source, "of_path": path, "reason": reason})


def drop(tx: Tx, dropped: Sequence[Sighting]) -> None:
    """What was settling or blocked is gone: what has landed shows again, else the path is forgotten."""
    never = [s for s in dropped if s.standing is None]
    _FORGET.run(tx, [(s.source, s.path, *s.seen) for s in never])
    landed = [(*s.standing.delivered, s.source, s.path) for s in dropped if s.standing is not None]
    _RESTORE.run(tx, landed)


def _row(look: Look) -> tuple[Any, ...]:
    return (look.path, *look.stat)


def _by_path(rows: Iterable[tuple[Any, ...]]) -> dict[bytes, Standing]:
    return {
        path: Standing(version, sha256, event_id, StatTuple.parse(landed_tuple))
        for path, version, sha256, event_id, landed_tuple in rows
    }


def _standing(row: Any) -> Standing:
    return Standing(row.version, row.sha256, row.event_id, StatTuple.parse(row.landed_tuple))


def _sighting(row: Any) -> Sighting:
    return Sighting(
        source=row.source,
        path=row.path,
        seen=StatTuple(row.size, row.mtime_ns, row.ctime_ns, row.inode),
        state=row.state,
        reason=row.reason,
        since=row.since,
        standing=None if row.version is None else _standing(row),
        redelivered=row.redelivered,
    )


_TUPLE = StatTuple._fields
_SEEN = tuple(sightings.c[name] for name in _TUPLE)
_IS_AT = and_(
    sightings.c.source == bindparam("of_source"),
    sightings.c.path == bindparam("of_path", type_=sightings.c.path.type),
)
_IN_SOURCE = sightings.c.source == bindparam("source")
_DONE = Lookup(
    select(sightings.c.path, sightings.c.state, sightings.c.landed_tuple, *_SEEN).where(_IN_SOURCE),
    sightings.c.path,
    "source",
)
_LANDED_AT = select(
    sightings.c.path,
    sightings.c.version,
    sightings.c.sha256,
    sightings.c.event_id,
    sightings.c.landed_tuple,
).where(_IN_SOURCE, sightings.c.version.is_not(None))
_STANDING = Lookup(_LANDED_AT, sightings.c.path, "source")
_LOCKED = Lookup(_LANDED_AT.with_for_update(), sightings.c.path, "source")
_REMARK = update(sightings).where(_IS_AT).values(reason=bindparam("reason"))
_FIND = select(sightings).where(_IS_AT)
_IS_OPEN = sightings.c.state.in_([literal_column(f"'{state}'") for state in OPEN])
_OPEN = (
    select(sightings)
    .where(
        _IN_SOURCE,
        sightings.c.state != literal_column("'landed'"),  # as in the index
        _IS_OPEN,
        sightings.c.path > bindparam("after", type_=sightings.c.path.type),
    )
    .order_by(sightings.c.path)
    .limit(_PAGE)
)


_PLACE = "source path size mtime_ns ctime_ns inode"
_IS_SAME = and_(*(column == bindparam(column.name) for column in _SEEN))
_NOTHING: ColumnElement[Any] = literal_column("''")
_LANDED = {"state": literal_column("'landed'"), "reason": _NOTHING}


def _upsert(names: str, unless: ColumnElement[bool] | None = None, **fixed: ColumnElement[Any]) -> Batch:
    """Insert a sighting, or replace these columns of the one that stands, unless that one is as said."""
    columns: dict[str, ColumnElement[Any]] = {name: bindparam(name) for name in names.split()} | fixed
    new = insert(sightings).values(columns | {"redelivered": literal_column("0")})
    replaced = {name: new.excluded[name] for name in columns if name not in {"source", "path"}}
    where = None if unless is None else not_(unless)
    statement = new.on_conflict_do_update(index_elements=["source", "path"], set_=replaced, where=where)
    return Batch(statement, names if unless is None else f"{names} as_landed")


_WAIT = _upsert(
    f"{_PLACE} state reason since",
    unless=or_(
        func.coalesce(sightings.c.landed_tuple, _NOTHING) == bindparam("as_landed"),
        and_(sightings.c.state.in_([literal_column(f"'{state}'") for state in TURNED_AWAY]), _IS_SAME),
    ),
)
_REFUSE = _upsert(f"{_PLACE} reason since", state=literal_column("'refused'"))
_SUPPRESS = _upsert(f"{_PLACE} reason since", state=literal_column("'suppressed'"))
_LAND = _upsert(f"{_PLACE} since version sha256 event_id landed_tuple", **_LANDED)
_REDELIVER = Batch(
    update(sightings)
    .where(_IS_AT)
    .values(
        {name: bindparam(name) for name in (*_TUPLE, "since", "landed_tuple")}
        | _LANDED
        | {"redelivered": sightings.c.redelivered + literal_column("1")}
    ),
    "size mtime_ns ctime_ns inode since landed_tuple of_source of_path",
)
_IS_OPEN_AT = and_(_IS_AT, _IS_OPEN)
_FORGET = Batch(delete(sightings).where(_IS_OPEN_AT, _IS_SAME), f"of_source of_path {' '.join(_TUPLE)}")
_RESTORE = Batch(
    update(sightings).where(_IS_OPEN_AT).values({name: bindparam(name) for name in _TUPLE} | _LANDED),
    f"{' '.join(_TUPLE)} of_source of_path",
)
