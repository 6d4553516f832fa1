"""What processors hand over, in tests: held in memory, in as many pieces as are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from sqlalchemy import select

from ingest.contract import Table, table
from ingest.domain.calls import Intent
from ingest.store import applying, booking, lanes, tables
from ingest.store.applying import Applied
from ingest.store.deliveries import Outcome, complete
from ingest.store.engine import Store
from ingest.store.handover import Facts, Piece, Rejects, Rows
from ingest.store.held import Held
from ingest.store.outbox import Draft
from ingest.store.rules import Rules
from ingest.store.schema import events
from ingest.store.schema import rejects as reject_table
from tests.store.stage import NOON, a_draft, claim, land, subscribe

PAYMENTS = table("payments", payment_id=str, amount=Decimal, note=str | None, unique="payment_id")
LINES = table("lines", line=int, text=str | None)
SLOTS = table("slots", slot=str | None, text=str, unique="slot")

Row = tuple[object, ...]


@dataclass(frozen=True)
class Handed:
    """Implements `ingest.store.handover.Handover`."""

    given: tuple[Piece, ...]
    is_large: bool = False
    calls: tuple[Intent, ...] = ()

    @property
    def rows_in(self) -> int:
        rows = [len(piece.rows) for piece in self.given if isinstance(piece, Rows)]
        return sum(rows) + self.rejected

    @property
    def facts(self) -> int:
        facts = [piece.facts for piece in self.given if not isinstance(piece, Rejects)]
        return len([fact for some in facts for fact in some if fact is not None])

    @property
    def rejected(self) -> int:
        return sum(len(piece.rejects) for piece in self.given if isinstance(piece, Rejects))

    @property
    def digest(self) -> str:
        return sha256(repr(self.given).encode()).hexdigest()

    def pieces(self) -> Iterator[Piece]:
        return iter(self.given)


def rows(*given: Row, of: Table = PAYMENTS, facts: Sequence[Draft | None] = ()) -> Rows:
    return Rows(of, given, facts)


def rejects(*rules: str) -> Rejects:
    return Rejects([(line, None, rule, "raw") for line, rule in enumerate(rules, 1)])


def facts(*given: Draft) -> Facts:
    return Facts(given)


def fact(name: str, *, cause: str, producer: str = "books") -> Draft:
    """A fact that `producer` emits because of `cause`; the same name gives the same id."""
    return a_draft(f"{cause}>{name}", key=name, cause=cause, producer=producer)


def rules(
    processor: str = "books",
    *,
    of: Sequence[Table] = (PAYMENTS, LINES, SLOTS),
    max_rejects: float = 0,
    max_facts: int = 100,
) -> Rules:
    return Rules(processor=processor, tables=tuple(of), max_rejects=max_rejects, max_facts=max_facts)


def stand(store: Store, processor: str = "books", *, of: Sequence[Table] = (PAYMENTS, LINES, SLOTS)) -> None:
    """The processor's tables stand."""
    with store.write() as tx:
        tables.ensure(tx, processor, of)


def apply(
    store: Store, one: Held, *given: Piece, by: Rules | None = None, is_replay: bool = False
) -> Applied:
    """The handover is applied and its delivery is done, in one transaction."""
    handed, by = Handed(given), by or rules()
    with store.write() as tx:
        lanes.prove(tx, [one.lane])
        applied = applying.apply(tx, one, handed, by, is_replay=is_replay, now=NOON)
        done = Outcome(
            held=one,
            started_at=NOON,
            version="1",
            rows_in=handed.rows_in,
            rows_booked=applied.booked,
            rows_duplicate=applied.duplicate,
            rows_rejected=handed.rejected + len(applied.conflicts),
            facts=handed.facts,
            digest=handed.digest,
            verdict=applied.verdict if is_replay else "",
        )
        complete(tx, [done], worker="w1", now=NOON)
        lanes.leave(tx, [one.lane], now=NOON)
    return applied


def started(store: Store, id_: str) -> Held:
    stand(store)
    generation = subscribe(store)
    land(store, id_, key=id_)
    (held,) = claim(store, generation)
    return held


def standing(store: Store, of: Table = PAYMENTS) -> list[tuple[object, ...]]:
    with store.read() as tx:
        return sorted((tuple(row.values()) for row in booking.select_rows(tx, of, {})), key=repr)


def rejected(store: Store) -> list[tuple[object, ...]]:
    columns = (
        reject_table.c.event_id,
        reject_table.c.line,
        reject_table.c.column,
        reject_table.c.rule,
        reject_table.c.raw,
    )
    with store.read() as tx:
        return [tuple(row) for row in tx.execute(select(*columns).order_by(reject_table.c.id))]


def emitted(store: Store) -> list[str]:
    statement = select(events.c.id).where(events.c.producer == "books").order_by(events.c.position)
    with store.read() as tx:
        return list(tx.execute(statement).scalars())


def apply_again(store: Store, one: Held, *given: object, by: Rules | None = None) -> Applied:
    with store.write() as tx:
        handed = Handed(given)  # type: ignore[arg-type]
        return applying.apply(tx, one, handed, by or rules(max_rejects=1), is_replay=True, now=NOON)
