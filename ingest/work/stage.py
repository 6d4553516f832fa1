"""The stage on which a child runs processors: what runs stands on the board, in a process kept as it was.

Whatever ends the process, the board says whom to charge: the delivery that
ran last and is not settled yet, or the one whose result is being applied alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from ingest.store.held import Held
from ingest.store.presence import Board, Running
from ingest.work.perform import Performed
from ingest.work.trade import Trade

_SECOND_NS = 1_000_000_000


class Keeping(Protocol):
    """Keeps the process that processors run in as it was."""

    def admit(self, memory_max: int) -> None:
        """A processor is about to run, with so many bytes at its disposal."""

    def dismiss(self) -> None:
        """It has run; the process is as it was before."""

    def distrust(self) -> None:
        """Something went wrong that no data explain."""

    def paused(self) -> AbstractContextManager[None]:
        """The engine itself works meanwhile, on behalf of a processor that runs."""

    def connecting(self) -> AbstractContextManager[None]:
        """The engine uses its connections on behalf of a processor that runs."""

    def check(self) -> None:
        """Nothing is written by a process that lost what the engine had open."""

    def is_worn(self) -> bool:
        """True when another process should take over."""


class Unkept:
    """Keeps nothing: for a process whose processors are trusted to leave it as it is, as in a test."""

    def admit(self, memory_max: int) -> None:
        """No limit holds."""

    def dismiss(self) -> None:
        """Nothing is put back."""

    def distrust(self) -> None:
        """There is no other process that could take over."""

    def paused(self) -> AbstractContextManager[None]:
        """There is nothing to pause."""
        return nullcontext()

    def connecting(self) -> AbstractContextManager[None]:
        """Nobody looks after them."""
        return nullcontext()

    def check(self) -> None:
        """Nothing was lost."""

    def is_worn(self) -> bool:
        """Never."""
        return False


@dataclass(slots=True, kw_only=True)
class Stage:
    """One child's place on the board of its worker."""

    board: Board
    slot: int
    keeper: Keeping
    _running: Running | None = None  # what a processor runs on at this moment

    @contextmanager
    def runs(self, held: Held, trade: Trade) -> Iterator[None]:
        """A processor runs on the delivery; it stays on the board afterwards, but its time is over."""
        now = time.monotonic_ns()
        deadline = now + int(trade.spec.timeout * _SECOND_NS)
        self._running = Running(held.lane.id, held.keyseq, held.lane.fence, now, deadline)
        self.board.write(self.slot, self._running)
        self.keeper.admit(trade.spec.memory_max)
        try:
            yield
        finally:
            self.keeper.dismiss()
            self.board.write(self.slot, replace(self._running, deadline_ns=0))
            self._running = None

    @contextmanager
    def settles(self, runs: Sequence[Performed]) -> Iterator[None]:
        """Results are applied; one that is applied alone stands on the board.

        Where a processor that runs asked for this, it stands there again
        afterwards, its time prolonged: the wait was not its own.
        """
        begun = time.monotonic_ns()
        alone = runs[0].held if len(runs) == 1 else None
        named = None if alone is None else Running(alone.lane.id, alone.keyseq, alone.lane.fence, begun)
        self.board.write(self.slot, named)
        self.keeper.check()
        try:
            yield
        finally:
            if self._running is not None:
                deadline = self._running.deadline_ns + time.monotonic_ns() - begun
                self._running = replace(self._running, deadline_ns=deadline)
            self.board.write(self.slot, self._running)
