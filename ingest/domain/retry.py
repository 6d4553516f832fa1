"""When a delivery that failed is tried again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How often, and how far apart, one delivery may fail before it is dead."""

    max_attempts: int = 5
    max_crashes: int = 3
    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=15)

    def is_spent(self, *, attempts: int, crashes: int) -> bool:
        """True when errors or crashes, counted apart, have used their budget up."""
        return attempts >= self.max_attempts or crashes >= self.max_crashes

    def delay(self, failures: int, jitter: float) -> timedelta:
        """How long to wait after failure number `failures` (1 is the first).

        Exponential with full jitter: a uniform share `jitter` (0..1) of
        `base * 2**(failures - 1)`, at most `cap`.
        (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)
        """
        longest = self.cap.total_seconds()
        exponent = min(max(failures, 1) - 1, 60)  # a longer wait than anybody has
        return timedelta(seconds=min(longest, self.base.total_seconds() * 2.0**exponent) * jitter)
