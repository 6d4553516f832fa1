"""Applying what a processor handed over: rows, rejects, facts and effects, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from ingest.contract import Table
from ingest.store import booking, effects, outbox
from ingest.store.booking import BOOKED, CONFLICT, DUPLICATE, Fingerprint, book, rows_of
from ingest.store.dialect import Batch
from ingest.store.engine import Tx
from ingest.store.handover import PIECE, Facts, Handover, Piece, Rejects, Rows
from ingest.store.held import Held
from ingest.store.outbox import Draft
from ingest.store.retelling import Retelling, Told
from ingest.store.rules import Rules, TooManyRejects
from ingest.store.schema import events, rejects
from ingest.store.standing import was_done

RAW_CHARS = 200


@dataclass(slots=True, kw_only=True)
class Applied:
    """What became of a handover."""

    booked: int = 0
    duplicate: int = 0
    conflicts: list[tuple[None, str, str, str]] = field(default_factory=list)
    facts_new: int = 0  # of a replay: facts that stand now for the first time
    facts_changed: int = 0  # of a replay: facts that stand and would now read otherwise, or not be there
    is_repaired: bool = False
    calls_new: int = 0  # calls registered for the first time
    calls_changed: int = 0  # calls that stand and would now read otherwise, or not be registered
    tables: set[str] = field(default_factory=set)

    @property
    def verdict(self) -> str:
        """What a replay reports of this event."""
        if self.facts_changed or self.calls_changed:
            return "changed"
        return "repaired" if self.is_repaired or self.calls_new else "unchanged"

    @property
    def note(self) -> str:
        """What stands otherwise than it would be now; empty where nothing does."""
        counts = {"facts": self.facts_changed, "calls": self.calls_changed}
        return "; ".join(
            f"{n} {what} would now read otherwise; they are kept" for what, n in counts.items() if n
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What stood for an event and a processor before a replay."""

    rows: Fingerprint
    facts: int
    was_done: bool


class Emissions:
    """Facts of one or more deliveries on their way into the log, appended in pieces."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self._tx, self._now = tx, now
        self._waiting: list[Draft] = []

    def add(self, drafts: Sequence[Draft]) -> None:
        """These facts will stand once `flush` was called."""
        self._waiting.extend(drafts)
        if len(self._waiting) >= PIECE:
            self.flush()

    def make_way(self, handover: Handover) -> None:
        """A handover whose facts are appended as it is applied finds those of earlier events standing.

        Call it before that handover's savepoint, which must not take them with it.
        """
        if handover.facts >= PIECE:
            self.flush()

    def flush(self, *, into: Emissions | None = None) -> None:
        """Every fact added so far stands in the log, or waits in `into`."""
        drafts, self._waiting = self._waiting, []
        if into is not None:
            into.add(drafts)
        elif drafts:
            outbox.append(self._tx, drafts, now=self._now)


def apply(  # noqa: PLR0913  # what is applied, by what rules, together with what
    tx: Tx,
    held: Held,
    handover: Handover,
    rules: Rules,
    *,
    is_replay: bool,
    now: datetime,
    emissions: Emissions | None = None,
) -> Applied:
    """All of the handover stands, in place of what stood for this event and processor before.

    The facts of one that has few stand once the caller has flushed `emissions`,
    which several deliveries may share and which has made way for the others.
    Raises `TooManyRejects`, and leaves to the caller that nothing of it
    stays: run it inside a savepoint.
    """
    rules.check_facts(handover)
    applied = Applied()
    before = _before(tx, held, rules) if is_replay else None
    clear(tx, [held.event_id], rules)
    after, own = Fingerprint() if is_replay else None, Emissions(tx, now)
    with Retelling(tx) if is_replay else nullcontext() as told:
        for piece in handover.pieces():
            facts = _take(tx, held, piece, rules, applied, after)
            if told is not None:
                told.add(facts)
            own.add(facts)
        retold = Counter[Told]() if told is None else told.counted()
    _reject(tx, held.event_id, rules.processor, applied.conflicts, after)
    _check(handover, applied, rules)
    own.flush(into=None if handover.facts >= PIECE else emissions)
    happened = [(held, rows_effect(name)) for name in sorted(applied.tables)]
    effects.record(tx, happened, rules.processor, now=now)
    if before is not None and after is not None:
        _judge(before, after, retold, applied)
    return applied


def is_small(handover: Handover) -> bool:
    """True of a handover that lies in memory and whose facts are appended with those of others."""
    return not handover.is_large and handover.facts < PIECE


def keep_rejects(tx: Tx, held: Held, handover: Handover, processor: str, conflicts: Sequence[Any]) -> None:
    """The refused rows of a file that is refused as a whole stand, so that its sender can be told."""
    _CLEAR_REJECTS.run(tx, [(held.event_id, processor)])
    for piece in handover.pieces():
        if isinstance(piece, Rejects):
            _reject(tx, held.event_id, processor, piece.rejects, None)
    _reject(tx, held.event_id, processor, conflicts, None)


def clear(tx: Tx, event_ids: Sequence[str], rules: Rules) -> None:
    """Nothing the processor booked or refused because of these events is left."""
    for table in rules.tables:
        booking.clear(tx, table, event_ids)
    _CLEAR_REJECTS.run(tx, [(event_id, rules.processor) for event_id in event_ids])


def reject(tx: Tx, refused: Sequence[tuple[Any, ...]]) -> None:
    """These refused rows stand: (event id, processor, line, column, rule, raw)."""
    _REJECT.run(tx, refused)


def rows_effect(table: str) -> str:
    """The name of the effect that rows stand in `table`."""
    return f"rows:{table}"


def _take(  # one piece and all it touches
    tx: Tx, held: Held, piece: Piece, rules: Rules, applied: Applied, after: Fingerprint | None
) -> Sequence[Draft]:
    """The rows of the piece are booked and its rejects stand; the facts that are to be emitted with it."""
    match piece:
        case Rows():
            return _book(tx, held, piece, applied, after)
        case Facts():
            return piece.facts
        case Rejects():
            _reject(tx, held.event_id, rules.processor, piece.rejects, after)
            return ()


def _book(tx: Tx, held: Held, piece: Rows, applied: Applied, after: Fingerprint | None) -> list[Draft]:
    """What became of each row is counted; the facts of those that were booked."""
    verdicts = book(tx, piece.table, held.event_id, piece.rows)
    if verdicts is None and after is None:
        applied.booked += len(piece.rows)
        applied.tables.add(piece.table.name)
        return [fact for fact in piece.facts if fact is not None]
    if verdicts is None:
        verdicts = [BOOKED] * len(piece.rows)
    facts = []
    for index, (row, verdict) in enumerate(zip(piece.rows, verdicts, strict=True)):
        if verdict == DUPLICATE:
            applied.duplicate += 1
        elif verdict == CONFLICT:
            applied.conflicts.append(conflict(piece.table, row))
        else:
            applied.booked += 1
            applied.tables.add(piece.table.name)
            if after is not None:
                after.add(piece.table.name, row)
            if piece.facts and (fact := piece.facts[index]) is not None:
                facts.append(fact)
    return facts


def conflict(table: Table, row: tuple[Any, ...]) -> tuple[None, str, str, str]:
    """The refusal of a row whose key stands with other content."""
    key = [str(row[i]) for i, c in enumerate(table.columns) if c.name in table.unique]
    return None, ",".join(table.unique), "conflict", ",".join(key)[:RAW_CHARS]


def _check(handover: Handover, applied: Applied, rules: Rules) -> None:
    rejected = handover.rejected + len(applied.conflicts)
    if applied.booked + applied.duplicate + rejected != handover.rows_in:
        msg = "rows in are not booked + duplicate + rejected"
        raise AssertionError(msg)
    try:
        rules.check_rejects(rejected, handover.rows_in)
    except TooManyRejects as error:
        error.conflicts = applied.conflicts  # type: ignore[attr-defined]  # the transaction that found them is rolled back
        raise


def _reject(tx: Tx, event_id: str, processor: str, refused: Sequence[Any], after: Fingerprint | None) -> None:
    if after is not None:
        for row in refused:
            after.add("rejects", row)
    reject(tx, [(event_id, processor, *row) for row in refused])


def _before(tx: Tx, held: Held, rules: Rules) -> _Before:
    of = {"of_event": held.event_id, "of_processor": rules.processor}
    found = Fingerprint()
    for table in rules.tables:
        for row in rows_of(tx, table, held.event_id):
            found.add(table.name, row)
    for row in tx.execute(REJECTS_OF, of):
        found.add("rejects", row)
    return _Before(
        rows=found,
        facts=tx.execute(_EMITTED, of).scalar_one(),
        was_done=was_done(tx, held.position, rules.processor),
    )


def _judge(before: _Before, after: Fingerprint, retold: Counter[Told], applied: Applied) -> None:
    """A fact that stood and was not handed over again counts as changed: it is kept."""
    gone = before.facts - retold["same"] - retold["otherwise"]
    applied.facts_new, applied.facts_changed = retold["new"], retold["otherwise"] + gone
    applied.is_repaired = not (before.was_done and before.rows == after) or applied.facts_new > 0


_CLEAR_REJECTS = Batch(
    delete(rejects).where(
        rejects.c.event_id == bindparam("of_event"), rejects.c.processor == bindparam("of_processor")
    ),
    "of_event of_processor",
)
REJECTS_OF = select(rejects.c.line, rejects.c.column, rejects.c.rule, rejects.c.raw).where(
    rejects.c.event_id == bindparam("of_event"), rejects.c.processor == bindparam("of_processor")
)
_REJECT_COLUMNS = "event_id processor line column rule raw"
_REJECT = Batch(insert(rejects).values({n: bindparam(n) for n in _REJECT_COLUMNS.split()}), _REJECT_COLUMNS)
_EMITTED = (
    select(func.count())
    .select_from(events)
    .where(events.c.cause == bindparam("of_event"), events.c.producer == bindparam("of_processor"))
)
