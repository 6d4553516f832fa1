"""The facts of a rerun against those that stood before it: each counts once, as it was handed over first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Self

from ingest.domain.upcast import what_counts
from ingest.store import outbox
from ingest.store.engine import Tx
from ingest.store.outbox import Draft
from ingest.store.sides import Sides

Told = Literal["new", "same", "otherwise"]


class Retelling:
    """Collects the facts of one event piece by piece, in memory that stays flat."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._told = Sides()

    def add(self, facts: Sequence[Draft]) -> None:
        """These facts are about to be emitted; none of them is appended yet."""
        stood = outbox.standing(self._tx, [fact.id for fact in facts])
        for fact in facts:
            self._told.would.add(fact.id, (fact.id, _told(fact, stood.get(fact.id))))

    def counted(self) -> Counter[Told]:
        """How many facts were told anew, the same as they stood, or otherwise."""
        found: Counter[Told] = Counter()
        for _, told in self._told.parts():
            # What stands is what was handed over first under a name; a second one comes to nothing.
            found.update(dict(reversed(told)).values())
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._told.__exit__(kind, error, trace)


def _told(fact: Draft, stood: tuple[str, str, str] | None) -> Told:
    if stood is None:
        return "new"
    if stood == outbox.FORGOTTEN:
        return "same"  # it stands, and what it said is not known any more
    return "same" if stood == what_counts(fact.type, fact.key, fact.body) else "otherwise"
