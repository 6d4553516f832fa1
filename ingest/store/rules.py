"""What the result of a processor is held to, whether it is applied or only compared."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ingest.contract import Table
from ingest.errors import PermanentError
from ingest.store.handover import Handover

_PARTS = 1_000_000  # a share is meant as it is written, not as the float next to it


class TooManyRejects(PermanentError):
    """More rows of the file were refused than its processor allows; nothing of it is booked."""

    code = "too_many_rejects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a result is held to."""

    processor: str
    tables: tuple[Table, ...]
    max_rejects: float  # share of the rows, 0 to 1
    max_facts: int

    def check_facts(self, handover: Handover) -> None:
        """Raise `PermanentError` when there are more facts than one event may bring about."""
        if handover.facts > self.max_facts:
            raise PermanentError(
                f"{handover.facts} facts from one event are more than max_facts = {self.max_facts}"
            )

    def check_rejects(self, rejected: int, rows_in: int) -> None:
        """Raise `TooManyRejects` when more rows were refused than are allowed."""
        if rejected and rejected > Fraction(self.max_rejects).limit_denominator(_PARTS) * rows_in:
            raise TooManyRejects(
                f"{rejected} of {rows_in} rows rejected, more than max_rejects = {self.max_rejects * 100:g}%",
                hint="see `ingest rejects list`",
            )
