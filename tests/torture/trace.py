"""What a campaign did, action by action, kept in a file for whoever looks into a violation."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any


class Violation(AssertionError):
    """An invariant does not hold; `invariant` is its number in the catalogue of faults."""

    def __init__(self, invariant: str, found: str) -> None:
        super().__init__(f"{invariant}: {found}")
        self.invariant = invariant


class Trace:
    """Every action so far, one JSON line each, and how many there were of each kind."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.counts: Counter[str] = Counter()
        self._began = time.monotonic()

    def note(self, kind: str, /, **detail: Any) -> None:
        """`kind` happened now."""
        self.counts[kind] += 1
        line = {"at": round(time.monotonic() - self._began, 3), "did": kind, **detail}
        with self.file.open("a") as file:
            file.write(json.dumps(line, default=repr) + "\n")


def hold(invariant: str, holds: object, found: str) -> None:
    """Raise `Violation` unless it holds."""
    if not holds:
        raise Violation(invariant, found)
