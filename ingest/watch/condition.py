"""How a source is doing, for its row in the store and for the log: what is wrong is said once, loudly."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from ingest.config import SourceSettings
from ingest.domain.showing import show
from ingest.store.sources import SourceReport
from ingest.watch.seeing.scan import Blocked

_log = logging.getLogger(__name__)

ROOM = 50_000  # blocked paths that are remembered


class Condition:
    """What the last scan found, and what stands in the way."""

    def __init__(self, source: SourceSettings) -> None:
        self.source = source
        self.mode = "poll"  # notify | poll
        self.proof = source.complete
        self.last_scan_at: datetime | None = None
        self.ignored = 0
        self.blocked: dict[bytes, Blocked] = {}
        self._has_more = False  # than those
        self.is_news = False  # what the store was told is not so any more
        self._wrongs: dict[str, str] = {}  # kind -> what is wrong, the worst kind first

    @property
    def is_available(self) -> bool:
        """False while the directory of the source cannot be read."""
        return "unavailable" not in self._wrongs

    def complain(self, kind: str, message: str) -> None:
        """Something is wrong, of the kind `unavailable`, `archive`, `departures` or `notifications`.

        It is logged when it is news.
        """
        if self._wrongs.get(kind) != message:
            _log.log(
                logging.WARNING if kind == "notifications" else logging.ERROR,
                "%s: %s",
                self.source.name,
                message,
            )
            self.is_news = True
        self._wrongs[kind] = message

    def clear(self, kind: str) -> None:
        """What was wrong is not any more."""
        if self._wrongs.pop(kind, None) is not None:
            _log.warning("%s: %s: well again", self.source.name, kind)
            self.is_news = True

    def is_wrong(self, kind: str) -> bool:
        """True while something of this kind is wrong."""
        return kind in self._wrongs

    def block(self, blocked: Blocked) -> bool:
        """Something cannot be read; True when that is news."""
        path = blocked.look.path
        if self.blocked.get(path) == blocked:
            return False
        if path not in self.blocked and len(self.blocked) >= ROOM:
            self._are_more_blocked()
            return False
        _log.warning("%s: blocked: %s: %s", self.source.name, show(path), blocked.reason)
        self.blocked[path] = blocked
        return True

    def is_blocked(self, path: bytes) -> bool:
        """True of a path that is known to be blocked."""
        return path in self.blocked

    def _are_more_blocked(self) -> None:
        """More are blocked than are remembered, which is said once."""
        if not self._has_more:
            _log.warning("%s: more than %d are blocked: the others are not named", self.source.name, ROOM)
        self._has_more = True

    def end_scan(self, *, ignored: int, blocked: Collection[bytes], at: datetime) -> None:
        """A scan that came to its end at `at` ignored so many entries and could not read these."""
        self.last_scan_at = at
        self.ignored = ignored
        self.blocked = {path: b for path, b in self.blocked.items() if path in blocked}
        self._has_more = self._has_more and len(self.blocked) >= ROOM

    def report(self) -> SourceReport:
        """The row of the source."""
        return SourceReport(
            name=self.source.name,
            path=str(self.source.path),
            mode=self.mode,
            state=self._state(),
            proof=self.proof,
            last_scan_at=self.last_scan_at,
            ignored=self.ignored,
            error=self._error(),
        )

    def _state(self) -> str:
        if not self.is_available:
            return "unavailable"
        return "degraded" if self._wrongs or self.blocked else "ok"

    def _error(self) -> str:
        said = [
            self._wrongs[kind]
            for kind in ("unavailable", "archive", "departures", "notifications")
            if kind in self._wrongs
        ]
        if self.blocked:
            path, first = next(iter(self.blocked.items()))
            more = " or more" if self._has_more else ""
            said.append(f"{len(self.blocked)}{more} blocked, as {show(path)}: {first.reason}")
        return "; ".join(said)
