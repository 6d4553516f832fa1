"""What is wrong with the surroundings, not with a processor or a file: waited out, and charged to nobody."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ingest.errors import (
    CannotWrite,
    IngestError,
    ProcessorUnloadable,
    TryAgain,
    Unreachable,
    UsageError,
)

OUTAGES = (CannotWrite, TryAgain, Unreachable)
PAUSE = 1.0  # seconds before the surroundings are tried again
LONGEST_PAUSE = 30.0  # seconds, where they refuse again and again
_SAY_EVERY = 30.0  # seconds between two log records about one outage

_log = logging.getLogger(__name__)


def behind(error: BaseException) -> IngestError | None:
    """The outage that `error` is, or was raised because of."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        if isinstance(found, OUTAGES):
            return found
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return None


def cannot_start(error: OSError) -> CannotWrite:
    """That the system refused a process, in our words."""
    return CannotWrite(
        f"cannot start a work process: {error.strerror}",
        hint="raise the limits on processes and open files, or run fewer; nothing was lost",
    )


def failure_of(said: str, hint: str, exit_code: int) -> IngestError:
    """What a child gave up with, or was refused, to be raised here."""
    for kind in (*OUTAGES, ProcessorUnloadable):
        if kind.exit_code == exit_code:
            return kind(said, hint=hint)
    error = UsageError(said, hint=hint)
    error.exit_code = exit_code  # type: ignore[misc]  # this instance answers for another's error
    return error


class Outage:
    """An outage as it is told: at once, now and then while it lasts, and when it has ended."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._said, self._say_at = "", 0.0

    def tell(self, error: IngestError) -> None:
        """It is there: whoever asks for the status is told, and so is the log."""
        now = time.monotonic()
        if error.message != self._said or now >= self._say_at:
            _log.error("%s; %s; trying again", error.message, error.hint)
            self._say_at = now + _SAY_EVERY
        self._said = error.message
        self._tell(error.message)

    def end(self) -> None:
        """It is not there, any more."""
        if self._said:
            _log.warning("well again, after: %s", self._said)
            self._tell("")
        self._said = ""
