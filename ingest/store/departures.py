"""Files that are to leave their source now that they have landed: owed from that commit on until it is done.

A departure concerns one delivery, that is one path with one tuple. Its ticket
is a digest of both, so that a name derived from it leads back here, also after
the departure has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, literal_column, null, select, update

from ingest.domain.instants import micros, moment
from ingest.domain.naming import digest_of
from ingest.domain.settling import StatTuple
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.lookup import Lookup
from ingest.store.schema import departures
from ingest.store.sightings import Look

_TICKET = 24  # hex digits of a ticket
_PAGE = 500
GONE = "gone"  # what a departure came to whose file was not there


class Owed(NamedTuple):
    """A delivery that landed, or was counted, and whose file is to leave; or what spoke for such files."""

    look: Look
    sha256: str  # empty for a marker or a manifest: nobody asked for its bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """One file that is to leave, or has left."""

    ticket: str
    path: bytes
    delivered: StatTuple
    sha256: str  # empty for a marker or a manifest
    since: datetime  # when it landed
    failures: int
    error: str  # of the last failure
    ended_at: datetime | None  # None: it is still due
    outcome: str

    @property
    def is_announcer(self) -> bool:
        """True of a marker or a manifest, which leaves after what it spoke of."""
        return not self.sha256

    @property
    def is_due(self) -> bool:
        """True until it has ended."""
        return self.ended_at is None


class Departed(NamedTuple):
    """A departure about which nothing is left to do, and what it came to."""

    ticket: str
    outcome: str


class Failed(NamedTuple):
    """A departure that was tried in vain."""

    ticket: str
    error: str


def ticket_of(source: str, look: Look) -> str:
    """The ticket of the delivery of this tuple at this path."""
    return digest_of("departure", source, look.path, *map(str, look.stat.identity()))[:_TICKET]


def owe(tx: Tx, source: str, owed: Sequence[Owed], *, now: datetime) -> None:
    """Every file of `owed` is to leave; a delivery that was owed before changes nothing."""
    at = micros(now)
    _OWE.run(
        tx,
        [(ticket_of(source, o.look), source, o.look.path, o.look.stat.text(), o.sha256, at) for o in owed],
    )


def find(tx: Tx, tickets: Sequence[str]) -> list[Departure]:
    """The departures of these tickets, also those that have ended."""
    return [_departure(row) for row in _FIND.run(tx, tickets)]


def due(tx: Tx, source: str, after: bytes = b"") -> list[Departure]:
    """The next departures of `source` that are due, by path, those after `after`; empty at the end.

    All that are due at one path come together.
    """
    rows = tx.execute(_DUE, {"of_source": source, "after": after}).all()
    if len(rows) < _PAGE:
        return [_departure(_plain(row)) for row in rows]
    last = rows[-1].path
    whole = [row for row in rows if row.path != last]
    return [_departure(_plain(row)) for row in whole or rows]


def is_any_due(tx: Tx, source: str, paths: Sequence[bytes]) -> bool:
    """True when a file at one of `paths` is still to leave."""
    return any(True for _ in _DUE_AT.run(tx, paths, source))


def end(tx: Tx, ended: Sequence[Departed], *, now: datetime) -> None:
    """Each departure of `ended` that was due has come to this."""
    at = micros(now)
    _END.run(tx, [(at, e.outcome, e.ticket) for e in ended])


def revive(tx: Tx, tickets: Sequence[str]) -> None:
    """Those of these departures that ended since the file was gone are due again."""
    _REVIVE.run(tx, [(ticket,) for ticket in tickets])


def fail(tx: Tx, failed: Sequence[Failed]) -> None:
    """Each of `failed` was tried once more in vain, for this reason."""
    _FAIL.run(tx, [(f.error, f.ticket) for f in failed])


def _plain(row: Any) -> tuple[Any, ...]:
    ended = None if row.ended_at is None else micros(row.ended_at)
    return (*row[:5], micros(row.since), row.failures, row.error, ended, row.outcome)


def _departure(row: tuple[Any, ...]) -> Departure:
    ticket, _, path, delivered, sha256, since, failures, error, ended_at, outcome = row
    return Departure(
        ticket=ticket,
        path=path,
        delivered=StatTuple.parse(delivered),
        sha256=sha256,
        since=moment(since),
        failures=failures,
        error=error,
        ended_at=None if ended_at is None else moment(ended_at),
        outcome=outcome,
    )


_ALL = select(departures)
_IS_DUE: ColumnElement[bool] = literal_column("ended_at IS NULL")  # as in the index
_OF_SOURCE = departures.c.source == bindparam("of_source")
_FIND = Lookup(_ALL, departures.c.ticket)
_DUE = (
    _ALL.where(_OF_SOURCE, _IS_DUE, departures.c.path > bindparam("after", type_=departures.c.path.type))
    .order_by(departures.c.path)
    .limit(_PAGE)
)
_DUE_AT = Lookup(
    select(departures.c.path).where(departures.c.source == bindparam("source"), _IS_DUE),
    departures.c.path,
    "source",
)
_OWE = Batch(
    insert(departures)
    .values(
        {name: bindparam(name) for name in ("ticket", "source", "path", "delivered", "sha256", "since")}
        | {"failures": literal_column("0"), "error": literal_column("''"), "outcome": literal_column("''")}
    )
    .on_conflict_do_nothing(index_elements=["ticket"]),
    "ticket source path delivered sha256 since",
)
_IS_IT = departures.c.ticket == bindparam("of_ticket")
_END = Batch(
    update(departures)
    .where(_IS_IT, _IS_DUE)
    .values(ended_at=bindparam("ended_at"), outcome=bindparam("outcome"), error=literal_column("''")),
    "ended_at outcome of_ticket",
)
_REVIVE = Batch(
    update(departures)
    .where(_IS_IT, departures.c.outcome == literal_column(f"'{GONE}'"))
    .values(ended_at=null(), outcome=literal_column("''")),
    "of_ticket",
)
_FAIL = Batch(
    update(departures)
    .where(_IS_IT, _IS_DUE)
    .values(failures=departures.c.failures + literal_column("1"), error=bindparam("error")),
    "error of_ticket",
)
