"""The files of one source that are to settle: what is ready now, and when to look at the others again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from ingest.domain.settling import Policy, Reading, settles_at
from ingest.store.sightings import Look
from ingest.watch.announced.announcing import Announcer, Heard
from ingest.watch.landing.take import NotTaken
from ingest.watch.pending import Entry, Pending
from ingest.watch.seeing.scan import Refusal

_PAUSE = (0.25, 2.0)  # seconds, least and most, before a file that was not ready is looked at again
_BACKOFF = (1.0, 30.0)  # seconds, first and most, before the archive is asked again to take a file
_UNCHANGED = "unchanged for less than the quiet time"


class Settling:
    """Applies the policy of a source to what is seen there."""

    def __init__(self, policy: Policy, announcer: Announcer | None = None) -> None:
        self.policy = policy
        self._announcer = announcer
        self.pending = Pending()
        self.finished: list[Look] = []  # manifests that have done their work and are to leave
        self.local_device: int | None = None  # whose ctimes this kernel gives; None: no filesystem's

    def is_ready(self, look: Look, now: Reading, *, at: datetime, scan: int) -> bool:
        """True when the file is complete now; else it waits, since `at` if it is as never before."""
        entry = self.pending.get(look.path)
        if entry is not None and entry.stat == look.stat:
            entry.scanned = scan
            return not entry.failures and self._is_due(look, entry, now)
        due, reason = self._settles(look, now.monotonic, now)
        if due <= now.monotonic:
            return True
        self._put(look, now, at, due=due, reason=reason, scan=scan)
        return False

    def take_due(self, now: Reading, *, at: datetime, scan: int) -> tuple[Sequence[Look], Sequence[Refusal]]:
        """The files whose time has come, each named once; what is said of them is asked once more.

        Also the markers or manifests whose time has come and that are to be refused.
        """
        due = self.pending.take_due(now.monotonic)
        if self._announcer is None:
            return due, ()
        announcers = [look for look in due if self._announcer.announces(look.path)]
        heard = self.hear(announcers, now, at=at, scan=scan)
        entries = (
            (look, self.pending.get(look.path)) for look in due if not self._announcer.announces(look.path)
        )
        ready = [look for look, entry in entries if entry is not None and self._is_due(look, entry, now)]
        return ready, heard.refusals

    def hear(self, announcers: Sequence[Look], now: Reading, *, at: datetime, scan: int) -> Heard:
        """What markers or manifests say; those that have not done their work yet wait among the files."""
        if self._announcer is None or not announcers:
            return Heard()
        heard = self._announcer.hear(announcers, now, self.policy.quiet)
        self.finished += heard.finished
        for path in heard.over:
            self.pending.remove(path)
        for waits in heard.waits:
            entry = self.pending.get(waits.look.path)
            if entry is None or entry.stat != waits.look.stat:
                self._put(waits.look, now, at, due=waits.due, reason=waits.reason, scan=scan)
            else:
                entry.scanned = scan
                self.pending.say(waits.look.path, waits.reason)
                self.pending.postpone(waits.look.path, waits.due)
        return heard

    def hear_again(self, looks: Sequence[Look], now: Reading, *, at: datetime, scan: int) -> None:
        """Something has become of these files, which may be all that was said of them."""
        if self._announcer is not None:
            self.hear(self._announcer.concerned([look.path for look in looks]), now, at=at, scan=scan)

    def forget(self, path: bytes) -> None:
        """What lay there is gone, and waits no more; nothing that it said of others holds."""
        self.pending.remove(path)
        if self._announcer is not None:
            self._announcer.forget(path)

    def put_back(self, left: NotTaken, now: Reading, *, at: datetime, scan: int) -> None:
        """A file that was not taken waits again, or does not if there is nothing to wait for."""
        path, stat = left.look
        entry = self.pending.get(path)
        is_same = entry is not None and entry.stat == stat and left.word != "changed"
        if entry is None or not is_same:
            due = max(self._settles(left.look, now.monotonic, now)[0], now.monotonic + _PAUSE[0])
            self._put(left.look, now, at, due=due, reason=left.reason, scan=scan)
            entry = self.pending.get(path)
        if entry is None:  # no room; the next scan sees it again
            return
        self.pending.say(path, left.reason)
        if left.word == "held":
            pause = min(max(self.policy.quiet, _PAUSE[0]), _PAUSE[1])
            self.pending.postpone(path, now.monotonic + pause)
        elif left.word == "unwritable":
            pause = min(_BACKOFF[0] * 2 ** min(entry.failures, 10), _BACKOFF[1])
            entry.failures += 1
            self.pending.postpone(path, now.monotonic + pause)

    def _is_due(self, look: Look, entry: Entry, now: Reading) -> bool:
        """True when the file, which waits, is complete now; else it waits for what is still lacking."""
        due, reason = self._settles(look, entry.since, now)
        if due <= now.monotonic:
            return True
        if self._announcer is not None:
            self.pending.say(look.path, reason)
            self.pending.postpone(look.path, due)
        return False

    def _settles(self, look: Look, since: float, now: Reading) -> tuple[float, str]:
        """From when on the file is complete, if nothing else happens, and why not before."""
        if self._announcer is not None:
            word = self._announcer.word_on(look)
            if word.awaits or word.is_whole:
                return (math.inf, word.awaits) if word.awaits else (since, "")
        is_local = self.local_device is not None and look.stat.inode.startswith(f"{self.local_device}:")
        return settles_at(self.policy, look.stat, since, now, is_local=is_local), _UNCHANGED

    def _put(self, look: Look, now: Reading, at: datetime, *, due: float, reason: str, scan: int) -> None:
        entry = Entry(stat=look.stat, since=now.monotonic, since_at=at, due=due, reason=reason, scanned=scan)
        self.pending.put(look.path, entry)
