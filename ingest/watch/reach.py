"""Whether the directory of a source can be read now, and whether changes below it are hinted at.

Nothing is ever concluded from a directory that cannot be read.
"""

from __future__ import annotations

from ingest.config import SourceSettings
from ingest.domain.settling import Policy, Reading
from ingest.filesystems import filesystem_of, is_remote
from ingest.watch.condition import Condition
from ingest.watch.gaps import Gaps
from ingest.watch.seeing.hints import Hints
from ingest.watch.seeing.notify import Followed, Notifier, is_supported
from ingest.watch.seeing.root import Root, SourceUnavailable
from ingest.watch.seeing.scans import Rounds
from ingest.watch.settling import Settling

_GLANCE = 2.0  # seconds between two looks at the directory itself
_RETRY = 5.0  # seconds, at most, between two tries to read a directory that is unavailable


class Reach:
    """How one source is watched: by notifications or by polling, while its directory is there."""

    def __init__(
        self,
        source: SourceSettings,
        root: Root,
        rounds: Rounds,
        settling: Settling,
        condition: Condition,
        gaps: Gaps,
    ) -> None:
        self.glance_at = 0.0  # monotonic: when the directory itself is looked at again
        self.every = 0.0  # seconds between two scans
        self.is_fresh = True  # no scan has come to its end since the directory was held
        self._source = source
        self._root = root
        self._rounds = rounds
        self._settling = settling
        self._condition = condition
        self._gaps = gaps
        self._followed: Followed | None = None
        self._was_followed = False  # when it last began

    def begin(self, hints: Hints, notifier: Notifier | None, *, lack: str) -> None:
        """The directory is to be held anew, with notifications from `notifier` where they are wanted.

        `lack` says why there is no notifier, if there should be one.
        """
        is_wanted = self._source.mode == "notify" or (
            self._source.mode == "auto" and self.is_local() and is_supported()
        )
        self._watch_by("notify" if is_wanted and not lack else "poll")
        self._followed = None
        if is_wanted and notifier is not None:
            self._followed = notifier.followed(hints, is_recursive=self._source.recursive)
        self._was_followed = self._followed is not None
        if is_wanted and lack:
            self._condition.complain("notifications", f"no notifications, so it is polled: {lack}")
        self._root.release()

    def lose_notifications(self) -> None:
        """What hinted at changes has died."""
        if self._was_followed:
            self._gaps.note("notifier")

    def confirm(self) -> None:
        """A scan has come to its end, and every folder it met is followed, if any is."""
        self.is_fresh = False
        if self._followed is not None:
            self._condition.clear("notifications")

    def is_local(self) -> bool:
        """True where only this kernel writes: its ctimes and leases can be trusted there."""
        return not is_remote(filesystem_of(self._source.path))

    def is_there(self, now: Reading) -> bool:
        """True when the directory can be read; asked of the system now and then, and before each scan.

        Raises `SourceUnavailable` when it cannot.
        """
        is_due = now.monotonic >= self._rounds.due_at and not self._rounds.is_running
        if now.monotonic < self.glance_at and not is_due:
            return self._condition.is_available
        self.glance_at = now.monotonic + _GLANCE
        was_held = self._root.is_held
        if self._root.hold():
            if was_held:
                self._gaps.note("replaced")
            self._settling.local_device = self._root.device if self.is_local() else None
            self._rounds.at_once(now.monotonic)
            self.is_fresh = True
        self._condition.clear("unavailable")
        return True

    def lose(self, error: SourceUnavailable, now: Reading) -> None:
        """The directory cannot be read, and that is tried again."""
        if self._condition.is_available and self._condition.last_scan_at is not None:
            self._gaps.note("unavailable")
        self._condition.complain("unavailable", error.message)
        self._root.release()
        self._rounds.put_off(now.monotonic + min(self.every, _RETRY))

    def follow(self, handle: int, folder: bytes) -> None:
        """Changes in the folder are hinted at, unless the system's limits are reached: then it is polled."""
        if self._followed is None:
            return
        try:
            self._followed.follow(handle, folder)
        except OSError as error:
            self._followed = None
            self._watch_by("poll")
            self._condition.complain(
                "notifications", f"no notifications, so it is polled: {error.strerror or error}"
            )

    def _watch_by(self, mode: str) -> None:
        is_polled = mode == "poll"
        self._condition.mode = mode
        self.every = self._source.rescan_every(polled=is_polled).total_seconds()
        quiet = self._source.quiet_for(polled=is_polled).total_seconds()
        self._settling.policy = Policy(complete=self._source.complete, quiet=quiet)
