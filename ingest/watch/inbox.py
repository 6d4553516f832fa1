"""One source at work: what was seen there, what waits to settle, and what lands next.

Its methods are steps of the loop: none of them waits, and each is short, apart
from the copy of a large file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from ingest.config import SourceSettings
from ingest.domain.settling import Policy, Reading
from ingest.domain.showing import show
from ingest.store import sightings, sources
from ingest.store.sightings import Look
from ingest.store.sources import Counts
from ingest.watch.announced.choosing import announcer_of
from ingest.watch.condition import Condition
from ingest.watch.gaps import Gaps
from ingest.watch.landing.admission import refuse_own, set_aside_long
from ingest.watch.landing.drafts import origin_of
from ingest.watch.landing.land import refuse
from ingest.watch.landing.lander import Lander
from ingest.watch.landing.take import NotTaken, can_detect_writers
from ingest.watch.leaving.leaving import Leaving
from ingest.watch.leaving.strays import land_strays
from ingest.watch.reach import Reach
from ingest.watch.seeing.hints import Hints
from ingest.watch.seeing.notify import Notifier
from ingest.watch.seeing.root import Root, SourceUnavailable
from ingest.watch.seeing.rules import PathRules
from ingest.watch.seeing.scan import Blocked, Piece, Refusal, look_at, scan
from ingest.watch.seeing.scans import Rounds
from ingest.watch.settling import Settling
from ingest.watch.telling import Telling
from ingest.watch.tidy import forget_vanished, stale
from ingest.watch.watcher import Watcher

_log = logging.getLogger(__name__)

_UNKNOWN = "it was about to leave, as another or a lost store knew: rename it to what it was called"
_TELL_AFTER = 1.0  # seconds a file waits before the store is told


class Inbox:
    """Scans, settles and lands one source."""

    def __init__(self, watcher: Watcher, source: SourceSettings, hints: Hints) -> None:
        self.counts = Counts()  # of this run
        self.condition = Condition(source)
        self._watcher = watcher
        self._source = source
        self._hints = hints
        self._rules = PathRules(source)
        self._rounds = Rounds()
        self._root = Root(source.path)
        announcer = announcer_of(source, self._root, self._rules, watcher.store)
        self._settling = Settling(Policy(complete=source.complete, quiet=0.0), announcer)
        self._origin = origin_of(watcher.settings, source)
        self._gaps = Gaps(watcher, self._origin)
        self._reach = Reach(source, self._root, self._rounds, self._settling, self.condition, self._gaps)
        self._lander = Lander(watcher, source, self._origin, self._root)
        if announcer is not None:
            self._lander.manner.objection = announcer.objection
            self._lander.manner.beside = announcer.beside
        self._leaving = Leaving(watcher, self._root, self._settling, self.condition, announcer)
        self._telling = Telling(watcher, self._rules, self._settling, self.condition)

    def begin(self, notifier: Notifier | None, *, lack: str = "") -> None:
        """Everything is scanned anew, with notifications from `notifier` where they are wanted.

        `lack` says why there is no notifier, if there should be one.
        """
        self._reach.begin(self._hints, notifier, lack=lack)
        leases = (
            self._source.complete in {"stable", "marker"} and self._reach.is_local() and can_detect_writers()
        )
        self._lander.manner.leases = self._leaving.leases = leases
        self.condition.proof = self._lander.manner.proof
        self.condition.is_news = True  # also where nothing is known of the source yet
        self.start_over()

    def lose_notifications(self) -> None:
        """What hinted at changes has died; everything is to begin anew."""
        self._reach.lose_notifications()

    def resume(self) -> None:
        """What changed while this process was suspended may have been missed: everything is scanned anew."""
        self._gaps.note("suspended")
        self.start_over()

    def start_over(self) -> None:
        """What was under way is given up, and the next scan finds it again."""
        now = self._watcher.clock.read().monotonic
        self._rounds.put_off(now)
        self._settling.pending.release(now)
        self._leaving.look_again(now)

    def step(self) -> bool:
        """One piece of what is to be done; True when there is more to do at once.

        Raises `CannotWrite`, `TryAgain` or `StoreUnusable` when the store refuses.
        """
        if self.condition.is_news:  # what comes of a source is counted where it is known
            self._telling.report()
        now = self._watcher.clock.read()
        paths, is_gap = self._hints.take()
        if is_gap or self._settling.pending.has_room_again():
            self._rounds.at_once(now.monotonic)
        if self._hints.take_overflow():
            self._gaps.note("overflow")
        is_behind = False
        if self._is_there(now):
            is_behind = self._leaving.catch_up(now)
            self._look_at(paths, now)
            at = self._watcher.clock.now()
            ready, refusals = self._settling.take_due(now, at=at, scan=self._rounds.number)
            if refusals:
                self._sort_out(Piece(refusals=list(refusals)), now)
            self._land(ready)
            self._go_on_scanning(now)
            self._send_off()
        self.tell(now.monotonic - _TELL_AFTER)
        return self._rounds.is_running or is_behind

    def next_at(self) -> float:
        """The monotonic moment at which there is something to do, if nothing happens before."""
        pending = self._settling.pending
        due = [self.settles_at(), self._leaving.due_at] if self.condition.is_available else []
        times = [self._rounds.due_at, self._reach.glance_at, pending.tell_at(_TELL_AFTER), *due]
        return min(at for at in times if at is not None)

    def settles_at(self) -> float | None:
        """The monotonic moment at which the next file may have settled, None when none waits."""
        return self._settling.pending.next_due()

    @property
    def quiet(self) -> float:
        """Seconds a file is to be left alone before it counts as whole."""
        return self._settling.policy.quiet

    @property
    def waiting(self) -> int:
        """How many files have not settled."""
        return len(self._settling.pending) - self._settling.pending.unwritable()

    @property
    def failed(self) -> int:
        """How many entries could not be read or archived.

        The directory itself counts as one, and so do files that cannot leave.
        """
        wrongs = [self.condition.is_wrong(kind) for kind in ("unavailable", "departures")]
        return len(self.condition.blocked) + self._settling.pending.unwritable() + sum(wrongs)

    def close(self) -> None:
        """The directory is let go of."""
        self._root.release()

    def _is_there(self, now: Reading) -> bool:
        try:
            return self._reach.is_there(now)
        except SourceUnavailable as error:
            self._reach.lose(error, now)
            return False

    def _look_at(self, paths: Iterable[bytes], now: Reading) -> None:
        piece, folders = look_at(self._root, self._rules, paths)
        self._sort_out(piece, now)
        if folders:
            for found in scan(self._root, self._rules, self._reach.follow, folders):
                self._sort_out(found, now)

    def _go_on_scanning(self, now: Reading) -> None:
        if not self._rounds.is_running:
            if now.monotonic < self._rounds.due_at:
                return
            self._gaps.tell()
            self._gaps.begin_scan()
            self._rounds.begin(scan(self._root, self._rules, self._reach.follow))
        try:
            piece = self._rounds.piece()
        except OSError as error:
            reason = f"the source directory {self._source.path} cannot be read: {error.strerror}"
            self._reach.lose(SourceUnavailable(reason), now)
            return
        if piece is None:
            self._end_scan(now)
        else:
            self._sort_out(piece, now)
            self._recover(piece.private, now)

    def _sort_out(self, piece: Piece, now: Reading) -> None:
        """What is new in `piece` is refused, blocked, left to settle, or lands."""
        refuse_own(piece, self._watcher.store.path)
        set_aside_long(piece, self._source.name)
        for blocked in piece.blocked:
            self._block(blocked)
        if piece.announcers:
            at, number = self._watcher.clock.now(), self._rounds.number
            heard = self._settling.hear(piece.announcers, now, at=at, scan=number)
            piece.files = sorted({*piece.files, *heard.files})
            piece.refusals += heard.refusals
        if not piece.files and not piece.refusals:
            return
        with self._rounds.measured(), self._watcher.store.read() as tx:
            files = sightings.unsettled(tx, self._source.name, piece.files)
            refused = set(sightings.unsettled(tx, self._source.name, [r.look for r in piece.refusals]))
        news = [r for r in piece.refusals if r.look in refused]
        self._refuse(news)
        at, number = self._watcher.clock.now(), self._rounds.number
        self._settling.hear_again([r.look for r in news], now, at=at, scan=number)
        if self._reach.is_fresh and self._source.after != "keep":
            self._leaving.revive(sorted(set(piece.files).difference(files)))
        self._land([look for look in files if self._settling.is_ready(look, now, at=at, scan=number)])

    def _land(self, looks: Sequence[Look]) -> None:
        if not looks:
            return
        landed = self._lander.land(looks)
        self.counts += landed.counts
        self._refuse(landed.refusals)
        for look in landed.done:
            self._settling.pending.remove(look.path)
        if self._source.after != "keep":
            self._leaving.after_landing(landed.done)
        if landed.complete:
            self.condition.proof = landed.complete
        now, at = self._watcher.clock.read(), self._watcher.clock.now()
        for left in landed.left:
            self._keep_waiting(left, now, at)
        self._settling.hear_again(looks, now, at=at, scan=self._rounds.number)

    def _send_off(self) -> None:
        """Manifests that have done their work leave as their members do."""
        if self._source.after != "keep":
            self._leaving.send_off(self._settling.finished)
        self._settling.finished.clear()

    def _recover(self, private: Sequence[Look], now: Reading) -> None:
        """Files that a watcher left under private names have left, landed, or have their own names again."""
        strays, unknown = self._leaving.recover(private, now)
        self.counts += land_strays(strays, self._root, self._settling, self._lander, self._leaving, now=now)
        for look in unknown:
            self._block(Blocked(look=look, reason=_UNKNOWN))

    def _keep_waiting(self, left: NotTaken, now: Reading, at: datetime) -> None:
        """A file that was not taken waits, is blocked, or is forgotten."""
        path = left.look.path
        if left.word == "not as announced":
            _log.warning("%s: %s: %s", self._source.name, show(path), left.reason)
        if left.word == "unwritable":
            self.condition.complain("archive", left.reason)
        if left.word == "blocked":
            self._block(Blocked(look=left.look, reason=left.reason))
        if left.word in {"gone", "blocked", "ignored"}:
            self._settling.pending.remove(path)
        else:
            self._settling.put_back(left, now, at=at, scan=self._rounds.number)

    def _block(self, blocked: Blocked) -> None:
        self._telling.block(blocked)
        if self.condition.is_blocked(blocked.look.path):
            self._rounds.blocked.add(blocked.look.path)

    def _refuse(self, refusals: Sequence[Refusal]) -> None:
        if not refusals:
            return
        with self._watcher.store.write() as tx:
            counts = refuse(tx, self._origin, refusals, now=self._watcher.clock.now())
        self.counts += counts
        for refusal in refusals:
            self._settling.pending.remove(refusal.look.path)
            _log.warning("%s: refused %s: %s", self._source.name, show(refusal.look.path), refusal.message)

    def tell(self, before: float) -> None:
        """The store knows what has been waiting since the monotonic moment `before`, and what is blocked."""
        self._telling.tell(before)
        self._gaps.tell()
        if self.condition.is_news:
            self._telling.report()

    def _end_scan(self, now: Reading) -> None:
        pending, condition, rounds = self._settling.pending, self.condition, self._rounds
        name, at = self._source.name, self._watcher.clock.now()
        forget_vanished(name, self._root, self._settling, scan=rounds.number)
        condition.end_scan(ignored=rounds.ignored, blocked=rounds.blocked, at=at)
        self._reach.confirm()
        if not pending.unwritable():
            condition.clear("archive")
        over = stale(self._watcher.store, name, self._root, self._rules, pending, condition.blocked)
        with self._watcher.store.write() as tx:
            sightings.drop(tx, over)
            self._gaps.end_scan(tx, entries=rounds.entries, now=self._watcher.clock.now())
            sources.report(tx, condition.report())
        rounds.end(now.monotonic, self._reach.every)
