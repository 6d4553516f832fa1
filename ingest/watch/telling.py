"""What the store is told of a source between scans: what waits, what is blocked, how the source is doing."""

from __future__ import annotations

import logging

from ingest.domain.showing import show
from ingest.store import sightings, sources
from ingest.store.sightings import Look, Waiting
from ingest.watch.condition import Condition
from ingest.watch.seeing.rules import PathRules
from ingest.watch.seeing.scan import Blocked
from ingest.watch.settling import Settling
from ingest.watch.watcher import Watcher

_log = logging.getLogger(__name__)


class Telling:
    """Tells the store of one source."""

    def __init__(self, watcher: Watcher, rules: PathRules, settling: Settling, condition: Condition) -> None:
        self._watcher = watcher
        self._source = condition.source.name
        self._rules = rules
        self._settling = settling
        self._condition = condition
        self._news: list[Waiting] = []  # blocked, and not in the store yet

    def block(self, blocked: Blocked) -> None:
        """Something cannot be read, which the store is to know where it is news."""
        if self._condition.block(blocked):
            self._news.append(Waiting(blocked.look, self._watcher.clock.now(), blocked.reason))

    def tell(self, before: float) -> None:
        """The store knows what has been waiting since the monotonic moment `before`, and what is blocked."""
        settling = [
            Waiting(Look(path, entry.stat), entry.since_at, entry.reason)
            for path, entry in self._settling.pending.untold(before)
        ]
        if not settling and not self._news:
            return
        with self._watcher.store.write() as tx:
            sightings.wait(tx, self._source, "settling", settling)
            sightings.wait(tx, self._source, "blocked", self._news)
        self._settling.pending.told(waiting.look.path for waiting in settling)
        self._news = []
        for waiting in settling:
            if self._rules.announces(waiting.look.path):
                _log.warning("%s: %s: %s", self._source, show(waiting.look.path), waiting.reason)

    def report(self) -> None:
        """The row of the source is as its condition."""
        with self._watcher.store.write() as tx:
            sources.report(tx, self._condition.report())
        self._condition.is_news = False
