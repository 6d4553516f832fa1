"""What applying a handover would change, found without writing anything.

Each row is judged as booking would judge it: against the rows that stand
because of other events, and against those before it in the same handover. The
comparison reads one snapshot, so it blocks neither landing nor live work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, literal_column, select

from ingest.contract import Table
from ingest.domain import comparing
from ingest.domain.comparing import Differences, Shape, Thing
from ingest.domain.upcast import what_counts
from ingest.errors import PermanentError
from ingest.store.applying import REJECTS_OF, conflict
from ingest.store.booking import key_of, rows_of
from ingest.store.booking import standing as standing_rows
from ingest.store.engine import Tx
from ingest.store.handover import Facts, Handover, Piece, Rejects, Rows
from ingest.store.rules import Rules
from ingest.store.schema import calls, events
from ingest.store.sides import Item, Sides
from ingest.store.standing import DeliveryStanding, standing


@dataclass(slots=True, kw_only=True)
class Compared:
    """What a handover would come to, and what would be otherwise than it is."""

    stands: DeliveryStanding
    booked: int = 0
    duplicate: int = 0
    conflicts: int = 0
    refused: list[tuple[Any, ...]] = field(
        default_factory=list
    )  # the first conflicts, as they would be rejected
    error: str | None = None  # why it would be dead; nothing of it would be applied
    differences: Differences = field(default_factory=Differences)

    @property
    def would(self) -> str:
        """How the delivery would end: done | dead."""
        return "done" if self.error is None else "dead"

    @property
    def kept(self) -> dict[str, int]:
        """Facts and calls that stand and would read otherwise or not be there: they are never edited."""
        found = {"facts": self.differences.of("facts"), "calls": self.differences.of("calls")}
        counts = {name: tally.changed + tally.removed for name, tally in found.items()}
        return {name: count for name, count in counts.items() if count}

    @property
    def verdict(self) -> str:
        """What a rerun would report: unchanged | repaired | changed | dead."""
        if self.error is not None:
            return "dead"
        if self.kept:
            return "changed"
        is_same = self.stands.was_done and not self.differences.differs()
        return "unchanged" if is_same else "repaired"


def compare(tx: Tx, event_id: str, handover: Handover, rules: Rules) -> Compared:
    """What applying `handover` as the result of this event would change.

    The event need not stand in the log: then nothing stands because of it. Nor
    need a table that `rules` does not name: then no row stands in it.
    """
    compared = Compared(stands=standing(tx, event_id, rules.processor))
    try:
        rules.check_facts(handover)
        with Sides() as rows, Sides() as rest:
            comparison = _Comparison(tx, event_id, handover, rules, rows, rest)
            found = comparison.of_rows(compared)
            rules.check_rejects(handover.rejected + compared.conflicts, handover.rows_in)
            found.add(comparison.of_rest(compared.stands))
            compared.differences = found
    except PermanentError as error:
        compared.error = error.message  # its hint is about what would be recorded, and nothing is
    return compared


def shape_of(table: Table) -> Shape:
    """The columns of a table; its decimals are sums of money, by its column `currency` where it has one."""
    names = [column.name for column in table.columns]
    return Shape(
        columns=tuple(names),
        amounts=tuple(place for place, column in enumerate(table.columns) if column.type is Decimal),
        currency=names.index("currency") if "currency" in names else None,
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One handover, with its rows, and with all else that rows may add to."""

    tx: Tx
    event_id: str
    handover: Handover
    rules: Rules
    rows: Sides
    rest: Sides

    def of_rows(self, compared: Compared) -> Differences:
        """What would change of the rows; conflicts and the facts of booked rows have joined the rest."""
        tables = {table.name: table for table in self.rules.tables}
        self._collect_rows(tables)
        shapes = {name: shape_of(table) for name, table in tables.items()}
        found = Differences()
        for stands, would in self.rows.parts():
            booked = list(self._judge(tables, would, compared))
            found.add(comparing.compare(map(_row, stands), map(_row, booked), shapes))
        return found

    def of_rest(self, stands: DeliveryStanding) -> Differences:
        """What would change of rejects, facts and calls; rows have been judged."""
        of = {"of_event": self.event_id, "of_processor": self.rules.processor}
        for row in self.tx.execute(REJECTS_OF, of):
            self.rest.stands.add(tuple(row), _reject_item(tuple(row)))
        for row in self.tx.execute(_EMITTED, of):
            self.rest.stands.add(row.id, _fact_item(row)[:4])
        for call in self.tx.execute(_CALLS, {**of, "of_position": stands.position}):
            self.rest.stands.add(call.name, _call_item(call.name, call.request))
        for number, piece in enumerate(self.handover.pieces()):
            for key, item in _rest_of(piece, number):
                self.rest.would.add(key, item)
        for intent in self.handover.calls:
            self.rest.would.add(intent.name, _call_item(intent.name, intent.request))
        found = Differences()
        for before, after in self.rest.parts():
            found.add(comparing.compare(_things(before), _things(_once(after)), {}))
        return found

    def _collect_rows(self, tables: dict[str, Table]) -> None:
        for table in self.rules.tables:
            key = key_of(table)
            for row in rows_of(self.tx, table, self.event_id):
                stood = tuple(row)
                self.rows.stands.add(_same(key(stood), stood), (table.name, key(stood), stood))
        for number, piece in enumerate(self.handover.pieces()):
            if isinstance(piece, Rows):
                tables.setdefault(piece.table.name, piece.table)
                key = key_of(piece.table)
                for index, row in enumerate(piece.rows):
                    fact = piece.facts[index] if piece.facts else None
                    item = piece.table.name, key(row), row, fact and _fact_item(fact, (number, index))
                    self.rows.would.add(_same(key(row), row), item)

    def _judge(self, tables: dict[str, Table], would: Sequence[Item], compared: Compared) -> Iterator[Item]:
        """Those rows that would be booked; the others are counted."""
        taken = {name: self._taken(table, would) for name, table in tables.items()}
        for item in would:
            name, key, row, fact = item
            is_keyed = _is_keyed(key)
            former = taken[name].get(key) if is_keyed else None
            if former is None:
                if is_keyed:
                    taken[name][key] = row
                compared.booked += 1
                if fact is not None:
                    self.rest.would.add(fact[2][0], fact)
                yield item
            elif former == row:
                compared.duplicate += 1
            else:
                compared.conflicts += 1
                refused = conflict(tables[name], row)
                if len(compared.refused) < comparing.MOST_EXAMPLES:
                    compared.refused.append(refused)
                self.rest.would.add(refused, _reject_item(refused))

    def _taken(self, table: Table, would: Sequence[Item]) -> dict[Item, Item]:
        """By key, the rows of other events that stand in the way of those in `would`."""
        if not table.unique or table not in self.rules.tables:
            return {}
        keys = [key for name, key, *_ in would if name == table.name and None not in key]
        return standing_rows(self.tx, table, keys, but_of=self.event_id)


def _rest_of(piece: Piece, number: int) -> Iterator[tuple[Any, Item]]:
    match piece:
        case Facts():
            yield from (
                (fact.id, _fact_item(fact, (number, index))) for index, fact in enumerate(piece.facts)
            )
        case Rejects():
            yield from ((tuple(row), _reject_item(tuple(row))) for row in piece.rejects)
        case Rows():
            pass


def _is_keyed(key: Item) -> bool:
    """True of a key that no two rows share; as in SQL, no value equals no value."""
    return bool(key) and None not in key


def _same(key: Item, row: Item) -> Item:
    """What makes a row the same one before and after: its key, or all of it."""
    return key if _is_keyed(key) else row


def _row(item: Item) -> Thing:
    name, key, row = item[:3]
    return Thing("rows", name, _same(key, row), row)


def _things(items: Iterable[Item]) -> Iterator[Thing]:
    return (Thing(*item[:4]) for item in items)


def _once(items: Sequence[Item]) -> Iterator[Item]:
    """A fact that is handed over twice stands once, as at first."""
    facts = [item for item in items if item[0] == "facts"]
    first = {item[2]: item for item in sorted(facts, key=itemgetter(4), reverse=True)}
    yield from (item for item in items if item[0] != "facts" or item is first[item[2]])


def _fact_item(fact: Any, place: tuple[int, int] = (0, 0)) -> Item:
    """A draft, or a row of `_EMITTED`; `place`: which piece of the handover it is in, and where there."""
    type_, *counts = what_counts(fact.type, fact.key, fact.body)
    return "facts", type_, (fact.id,), tuple(counts), place


def _reject_item(row: tuple[Any, ...]) -> Item:
    return "rejects", "", row, row


def _call_item(name: str, request: str) -> Item:
    return "calls", "", (name,), (request,)


_CALLS = select(calls.c.name, calls.c.request).where(
    calls.c.position == bindparam("of_position"),
    calls.c.processor == bindparam("of_processor"),
    calls.c.scope == literal_column("''"),  # not what was repeated on purpose
)
_EMITTED = select(events.c.id, events.c.type, events.c.key, events.c.body).where(
    events.c.cause == bindparam("of_event"),
    events.c.producer == bindparam("of_processor"),
    events.c.body != literal_column("''"),
)
