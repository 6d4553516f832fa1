"""What processors hand over, in tests: held in memory, in as many pieces as are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from ingest.contract import Table, table
from ingest.store import applying, lanes, tables
from ingest.store.applying import Applied, Rules
from ingest.store.deliveries import Outcome, complete
from ingest.store.engine import Store
from ingest.store.handover import Facts, Piece, Rejects, Rows
from ingest.store.held import Held
from ingest.store.outbox import Draft
from tests.store.stage import NOON, a_draft

PAYMENTS = table("payments", payment_id=str, amount=Decimal, note=str | None, unique="payment_id")
LINES = table("lines", line=int, text=str | None)

Row = tuple[object, ...]


@dataclass(frozen=True)
class Handed:
    """Implements `ingest.store.handover.Handover`."""

    given: tuple[Piece, ...]
    is_large: bool = False

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
    of: Sequence[Table] = (PAYMENTS, LINES),
    max_rejects: float = 0,
    max_facts: int = 100,
) -> Rules:
    return Rules(processor=processor, tables=tuple(of), max_rejects=max_rejects, max_facts=max_facts)


def stand(store: Store, processor: str = "books", *, of: Sequence[Table] = (PAYMENTS, LINES)) -> None:
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
