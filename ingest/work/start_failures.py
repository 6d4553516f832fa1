"""How the children of a worker start: what keeps them from it, and when the next may be tried."""

from __future__ import annotations

import time

from ingest.errors import IngestError, ProcessorUnloadable
from ingest.work.outages import LONGEST_PAUSE, PAUSE

IN_A_ROW = 3  # children that die before they are ready, until something is wrong


class StartFailures:
    """What keeps the children of one worker from starting, until one of them is ready."""

    def __init__(self) -> None:
        self.succeeded()

    def succeeded(self) -> None:
        """A child is ready: whatever was wrong is not so any more."""
        self._failed = 0
        self._failure: IngestError | None = None
        self._pause, self._again_at = PAUSE, 0.0

    def failed(self, failure: IngestError) -> None:
        """One more child died before it was ready; the next is tried later, each time, once several did."""
        self._failed += 1
        self._failure = failure
        if self.trouble() is not None:
            self._again_at = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def may_be_tried(self) -> bool:
        """True when it is time for another child."""
        return time.monotonic() >= self._again_at

    def trouble(self) -> ProcessorUnloadable | None:
        """The processor whose import stands in the way, as long as it does."""
        if self._failed >= IN_A_ROW and isinstance(self._failure, ProcessorUnloadable):
            return self._failure
        return None

    def check(self) -> None:
        """Raise what the last of several children gave up with, unless an import stands in the way."""
        if self._failed >= IN_A_ROW and self._failure is not None and self.trouble() is None:
            failure = self._failure
            self.succeeded()
            raise failure
