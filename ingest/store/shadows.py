"""What shadow replays found: per event what would change, and in total; nothing of it was applied."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, select, update

from ingest.domain.comparing import Differences, Tally, Total
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.schema import difference_totals, differences, outcomes

_MONEY = "money"
_PLACE = "generation_id kind name unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """So many events whose delivery stands so, and would end otherwise."""

    stands: str
    would: str
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a shadow replay found of one event."""

    position: int
    stands: str  # how its delivery stands
    would: str  # how it would end: done | dead
    differences: Differences


def record(tx: Tx, generation_id: int, found: Sequence[Foreseen]) -> None:
    """What was found stands event by event, where anything would change, and is part of the totals."""
    rows = [
        (generation_id, one.position, one.stands, json.dumps(one.differences.as_plain()))
        for one in found
        if one.differences.differs() or one.stands != one.would
    ]
    _EVENT.run(tx, rows)
    total = Differences()
    for one in found:
        total.add(one.differences)
    _add(tx, generation_id, total)


def record_death(tx: Tx, key: tuple[int, int], stands: str) -> None:
    """The delivery of (generation, position) `key` would be dead, and nothing else would change."""
    generation_id, position = key
    found = Foreseen(position=position, stands=stands, would="dead", differences=Differences())
    record(tx, generation_id, [found])


def totals(tx: Tx, generation_id: int) -> Differences:
    """What would change in all, of the events compared so far; without examples."""
    found = Differences()
    for row in tx.execute(_TOTALS, {"of_generation": generation_id}):
        if row.kind == _MONEY:
            table, _, column = row.name.partition(".")
            total = Total(before=Decimal(row.before), after=Decimal(row.after))
            found.money[table, column, row.unit] = total
        else:
            found.tallies[row.kind, row.name] = Tally(
                added=row.added, removed=row.removed, changed=row.changed, unchanged=row.unchanged
            )
    return found


def turns(tx: Tx, generation_id: int) -> list[Turn]:
    """How many deliveries would end otherwise than they stand."""
    return [Turn(**row) for row in tx.execute(_TURNS, {"of_generation": generation_id}).mappings()]


def _add(tx: Tx, generation_id: int, found: Differences) -> None:
    """On PostgreSQL the rows are locked in the order of their names, as the lock order asks."""
    for kind, name, unit, counts, sums in sorted(_lines(found), key=lambda line: line[:3]):
        place = (generation_id, kind, name, unit)
        _NEW.run(tx, [(*place, 0, 0, 0, 0, "0", "0")])
        at = dict(zip(("of_generation", "of_kind", "of_name", "of_unit"), place, strict=True))
        stood = tx.execute(_LOCKED, at).one()
        sums.add(Total(before=Decimal(stood.before), after=Decimal(stood.after)))
        more = {f"more_{name}": count for name, count in counts.as_plain().items()}
        tx.execute(_COUNT, {**at, **more, "before": str(sums.before), "after": str(sums.after)})


def _lines(found: Differences) -> Iterator[tuple[str, str, str, Tally, Total]]:
    for (kind, name), tally in found.tallies.items():
        yield kind, name, "", tally, Total()
    for (table, column, currency), total in found.money.items():
        yield _MONEY, f"{table}.{column}", currency, Tally(), total


_AT = (
    difference_totals.c.generation_id == bindparam("of_generation"),
    difference_totals.c.kind == bindparam("of_kind"),
    difference_totals.c.name == bindparam("of_name"),
    difference_totals.c.unit == bindparam("of_unit"),
)
_EVENT_COLUMNS = "generation_id position stood found"
_EVENT = Batch(
    insert(differences).values({name: bindparam(name) for name in _EVENT_COLUMNS.split()}), _EVENT_COLUMNS
)
_NEW_COLUMNS = f"{_PLACE} added removed changed unchanged before after"
_NEW = Batch(
    insert(difference_totals)
    .values({name: bindparam(name) for name in _NEW_COLUMNS.split()})
    .on_conflict_do_nothing(),
    _NEW_COLUMNS,
)
_LOCKED = select(difference_totals.c.before, difference_totals.c.after).where(*_AT).with_for_update()
_COUNTS: dict[str, Any] = {
    name: difference_totals.c[name] + bindparam(f"more_{name}")
    for name in ("added", "removed", "changed", "unchanged")
}
_COUNT = (
    update(difference_totals)
    .where(*_AT)
    .values(**_COUNTS, before=bindparam("before"), after=bindparam("after"))
)
_TOTALS = select(difference_totals).where(difference_totals.c.generation_id == bindparam("of_generation"))
_TURNS = (
    select(differences.c.stood.label("stands"), outcomes.c.state.label("would"), func.count().label("events"))
    .join(
        outcomes,
        (outcomes.c.generation_id == differences.c.generation_id)
        & (outcomes.c.position == differences.c.position),
    )
    .where(differences.c.generation_id == bindparam("of_generation"), differences.c.stood != outcomes.c.state)
    .group_by(differences.c.stood, outcomes.c.state)
    .order_by(differences.c.stood, outcomes.c.state)
)
