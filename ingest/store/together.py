"""Applying the handovers of many first runs at once, where nothing stands in the way of any of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ingest.contract import Table
from ingest.errors import PermanentError
from ingest.store import applying, booking, effects
from ingest.store.applying import Emissions
from ingest.store.dialect import Savepoint
from ingest.store.engine import Tx
from ingest.store.handover import Facts, Handover, Rejects, Rows
from ingest.store.held import Held
from ingest.store.outbox import Draft
from ingest.store.rules import Rules

Handed = tuple[Held, Handover]


def apply_together(
    tx: Tx, handed: Sequence[Handed], rules: Rules, *, now: datetime, emissions: Emissions
) -> bool:
    """All of these handovers stand, as if each had been applied alone in this order.

    False, and nothing of any of them stands, where a row's key stood already
    or a handover breaks a rule: which one it was is found by applying each alone.
    Their facts stand once the caller has flushed `emissions`.
    """
    if not all(_keeps(rules, handover) for _, handover in handed):
        return False
    one = _Sum(handed, rules)
    if not one.events:
        return True
    point = Savepoint(tx)
    applying.clear(tx, one.events, rules)
    for table, rows in one.rows.values():
        if not booking.book_new(tx, table, rows):
            point.roll_back()
            return False
    applying.reject(tx, one.rejects)
    effects.record(tx, one.effects, rules.processor, now=now)
    point.release()
    emissions.add(one.facts)
    return True


class _Sum:
    """What several handovers come to, by where it goes, each part in their order."""

    def __init__(self, handed: Sequence[Handed], rules: Rules) -> None:
        self.events: list[str] = []
        self.rows: dict[str, tuple[Table, list[tuple[Any, ...]]]] = {}
        self.rejects: list[tuple[Any, ...]] = []
        self.facts: list[Draft] = []
        self.effects: list[tuple[Held, str]] = []
        for held, handover in handed:
            if rules.tables or handover.rows_in or handover.facts:
                self.events.append(held.event_id)
                self._add(held, handover, rules.processor)

    def _add(self, held: Held, handover: Handover, processor: str) -> None:
        tables = set()
        for piece in handover.pieces():
            match piece:
                case Rows():
                    tables.add(piece.table.name)
                    _, rows = self.rows.setdefault(piece.table.name, (piece.table, []))
                    rows.extend([(*row, held.event_id) for row in piece.rows])
                    self.facts.extend(fact for fact in piece.facts if fact is not None)
                case Facts():
                    self.facts.extend(piece.facts)
                case Rejects():
                    self.rejects.extend((held.event_id, processor, *row) for row in piece.rejects)
        self.effects.extend((held, applying.rows_effect(name)) for name in sorted(tables))


def _keeps(rules: Rules, handover: Handover) -> bool:
    try:
        rules.check_facts(handover)
        rules.check_rejects(handover.rejected, handover.rows_in)
    except PermanentError:
        return False
    return True
