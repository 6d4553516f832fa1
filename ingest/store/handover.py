"""What a processor handed over, in the pieces in which it is applied.

A handover is read once or more, in order; large ones lie in a file, so only a
piece at a time is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ingest.contract import Table
from ingest.domain.calls import Intent
from ingest.store.outbox import Draft

PIECE = 1000  # rows, facts or rejects in one piece


@dataclass(frozen=True, slots=True)
class Rows:
    """Bound rows of one table, in column order; `facts[i]` is emitted only if `rows[i]` is booked."""

    table: Table
    rows: Sequence[tuple[Any, ...]]
    facts: Sequence[Draft | None] = ()  # empty: none of the rows carries a fact


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that depend on no row."""

    facts: Sequence[Draft]


@dataclass(frozen=True, slots=True)
class Rejects:
    """Refused rows: (line, column, rule, raw)."""

    rejects: Sequence[tuple[int | None, str | None, str, str]]


Piece = Rows | Facts | Rejects


class Handover(Protocol):
    """All that one run of a processor handed over."""

    @property
    def rows_in(self) -> int:
        """Rows handed over or refused."""

    @property
    def facts(self) -> int:
        """Facts handed over, with or without a row."""

    @property
    def rejected(self) -> int:
        """Rows the processor refused."""

    @property
    def calls(self) -> Sequence[Intent]:
        """Calls registered, in their order; none was made."""

    @property
    def digest(self) -> str:
        """Hex SHA-256 over all of it, in order."""

    @property
    def is_large(self) -> bool:
        """True when it lies in a file."""

    def pieces(self) -> Iterator[Piece]:
        """The pieces, in the order in which they were handed over."""
