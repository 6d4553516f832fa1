"""When a source is scanned, and the scan that runs, piece by piece."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.watch.seeing.scan import Piece

_SHARE = 100  # scanning takes at most one part in so many of the time
_GAP_SHARE = 10  # the same where notifications were missed


class Rounds:
    """The scans of one source, each with a number; what one costs sets when the next may begin."""

    def __init__(self) -> None:
        self.number = 0  # of the last scan that began
        self.due_at = 0.0  # monotonic
        self.ignored = self.entries = 0  # by the scan that runs, or by the last one
        self.blocked: set[bytes] = set()  # likewise
        self._pieces: Iterator[Piece] | None = None
        self._cpu = 0.0
        self._ended_at = 0.0
        self._is_too_late = False  # something was missed while the scan ran, perhaps where it had been

    @property
    def is_running(self) -> bool:
        """True from the beginning of a scan to its end."""
        return self._pieces is not None

    def begin(self, pieces: Iterator[Piece]) -> None:
        """A scan, which is to yield `pieces`, begins."""
        self.number += 1
        self._cpu = 0.0
        self.ignored, self.entries, self.blocked = 0, 0, set()
        self._pieces = pieces
        self._is_too_late = False

    def piece(self) -> Piece | None:
        """The next piece of the scan that runs, None once there is none; raises `OSError` as `scan` does."""
        if self._pieces is None:
            return None
        with self.measured():
            piece = next(self._pieces, None)
        if piece is not None:
            self.ignored += piece.ignored
            self.entries += piece.entries
        return piece

    @contextmanager
    def measured(self) -> Iterator[None]:
        """What the block costs belongs to the scan."""
        began = time.thread_time()
        try:
            yield
        finally:
            self._cpu += time.thread_time() - began

    def end(self, now: float, every: float) -> None:
        """The scan has come to its end; the next is due after `every` seconds, or later if it is dear."""
        self._pieces = None
        self._ended_at = now
        self.due_at = now + max(every, _SHARE * self._cpu)
        if self._is_too_late:
            self.at_once(now)

    def at_once(self, now: float) -> None:
        """The next scan is due now, unless the last one was that dear and has only just ended.

        While one runs, the next follows it: what was missed may lie where this one has been.
        """
        self._is_too_late = self.is_running
        self.due_at = min(self.due_at, max(now, self._ended_at + _GAP_SHARE * self._cpu))

    def put_off(self, until: float) -> None:
        """The scan that runs, if any, is given up; the next is due at `until`."""
        self._pieces = None
        self.due_at = until
