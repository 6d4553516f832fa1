"""When files that are owed a departure are gone through again: at once, after a while, or not at all."""

from __future__ import annotations

_BACKOFF = (1.0, 60.0)  # seconds, first and most, before files that could not leave are tried again


class Patience:
    """The rounds over all that is owed, one after the other; each begins at the first path."""

    def __init__(self) -> None:
        self.due_at: float | None = 0.0  # monotonic: when the round begins, or goes on; None: nothing is owed
        self.after = b""  # the round that runs goes on after this path
        self._has_failed = False  # in the round that runs
        self._has_put_off = False  # the same
        self._outages = 0  # rounds one after the other in which something failed

    def is_due(self, now: float) -> bool:
        """True when there is something to go through now."""
        return self.due_at is not None and now >= self.due_at

    def is_waiting(self, now: float) -> bool:
        """True while what failed is given time."""
        return bool(self._outages) and self.due_at is not None and now < self.due_at

    def at_once(self, now: float) -> None:
        """Nothing is known of what is owed: a round begins now."""
        self.due_at, self.after = now, b""

    def fail(self, now: float) -> None:
        """Something could not leave; all that is owed is gone through after a while."""
        self._has_failed = True
        self._expect(now)

    def postpone(self, now: float) -> None:
        """Something waits for something else to leave; all that is owed is gone through after a while."""
        self._has_put_off = True
        self._expect(now)

    def put_off(self, now: float) -> None:
        """The round goes on after a while, longer each time."""
        self.due_at = now + min(_BACKOFF[0] * 2 ** min(self._outages, 10), _BACKOFF[1])
        self._outages += 1

    def end_round(self, now: float) -> bool:
        """All that was owed has been gone through; True when none of it failed."""
        self.after = b""
        has_failed, self._has_failed = self._has_failed, False
        has_put_off, self._has_put_off = self._has_put_off, False
        if has_failed or has_put_off:
            self.put_off(now)
        else:
            self._outages, self.due_at = 0, None
        return not has_failed

    def _expect(self, now: float) -> None:
        if self.due_at is None:
            self.put_off(now)
