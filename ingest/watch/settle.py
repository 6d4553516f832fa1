"""The files of one source that are to settle: what is ready now, and when to look at the others again."""

from __future__ import annotations

from datetime import datetime

from ingest.domain.settling import Policy, Reading, settles_at
from ingest.store.sightings import Look
from ingest.watch.pending import Entry, Pending
from ingest.watch.take import Left

_PAUSE = (0.25, 2.0)  # seconds, least and most, before a file that was not ready is looked at again
_BACKOFF = (1.0, 30.0)  # seconds, first and most, before the archive is asked again to take a file
_UNCHANGED = "unchanged for less than the quiet time"


class Settling:
    """Applies the policy of a source to what is seen there."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.pending = Pending()
        self.local_device: int | None = None  # whose ctimes this kernel gives; None: no filesystem's

    def is_ready(self, look: Look, now: Reading, *, at: datetime, scan: int) -> bool:
        """True when the file is complete now; else it waits, since `at` if it is as never before."""
        entry = self.pending.get(look.path)
        if entry is not None and entry.stat == look.stat:
            entry.scanned = scan
            return not entry.failures and self._settles(look, entry.since, now) <= now.monotonic
        due = self._settles(look, now.monotonic, now)
        if due <= now.monotonic:
            return True
        self._put(look, now, at, due=due, reason=_UNCHANGED, scan=scan)
        return False

    def put_back(self, left: Left, now: Reading, *, at: datetime, scan: int) -> None:
        """A file that was not taken waits again, or does not if there is nothing to wait for."""
        path, stat = left.look
        entry = self.pending.get(path)
        is_same = entry is not None and entry.stat == stat and left.word != "changed"
        if entry is None or not is_same:
            due = max(self._settles(left.look, now.monotonic, now), now.monotonic + _PAUSE[0])
            self._put(left.look, now, at, due=due, reason=left.reason, scan=scan)
            entry = self.pending.get(path)
        if entry is None:  # no room; the next scan sees it again
            return
        entry.reason = left.reason
        if left.word == "held":
            pause = min(max(self.policy.quiet, _PAUSE[0]), _PAUSE[1])
            self.pending.postpone(path, now.monotonic + pause)
        elif left.word == "unwritable":
            pause = min(_BACKOFF[0] * 2 ** min(entry.failures, 10), _BACKOFF[1])
            entry.failures += 1
            self.pending.postpone(path, now.monotonic + pause)

    def _settles(self, look: Look, since: float, now: Reading) -> float:
        is_local = self.local_device is not None and look.stat.inode.startswith(f"{self.local_device}:")
        return settles_at(self.policy, look.stat, since, now, is_local=is_local)

    def _put(self, look: Look, now: Reading, at: datetime, *, due: float, reason: str, scan: int) -> None:
        entry = Entry(stat=look.stat, since=now.monotonic, since_at=at, due=due, reason=reason, scanned=scan)
        self.pending.put(look.path, entry)
