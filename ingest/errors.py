"""Every deliberate error of the product, under one root.

A message says what happened; its hint says what to do next. `exit_code` is
what the command line answers with, `code` is the stable word that scripts may
match. Nothing else is raised on purpose, so anything else is a defect.
"""

from __future__ import annotations

from typing import ClassVar


class IngestError(Exception):
    """Root of every error that is raised on purpose."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(IngestError):
    """The command line or the configuration cannot be obeyed as written."""

    code = "usage"
    exit_code = 2


class ProcessorUnloadable(UsageError):
    """The import of a processor does not end, or ends the process it is made in."""

    code = "processor_unloadable"


class NotFound(IngestError):
    """What was asked for does not exist in this pipeline."""

    code = "not_found"
    exit_code = 4


class NotConfirmed(IngestError):
    """A request that repeats or destroys was not confirmed."""

    code = "not_confirmed"
    exit_code = 5


class PlanStale(IngestError):
    """The set that was planned is not the set that would be replayed now."""

    code = "plan_stale"
    exit_code = 5


class StoreUnusable(IngestError):
    """The database, or the data in it, cannot be used as it is."""

    code = "store_unusable"
    exit_code = 65


class StoreMissing(StoreUnusable):
    """There is no database where the settings name one, or nothing was ever committed in it."""


class StoreReplaced(StoreUnusable):
    """The database file is no longer the one this process opened."""

    code = "store_replaced"


class ArchiveDamaged(StoreUnusable):
    """Archived bytes are missing or do not hash to their digest."""

    code = "archive_damaged"


class VerificationFailed(StoreUnusable):
    """A proof over the log or the archive did not hold."""

    code = "verification_failed"


class Unreachable(IngestError):
    """Something this pipeline depends on does not answer."""

    code = "unreachable"
    exit_code = 69


class CannotWrite(IngestError):
    """A file, a directory or the database could not be written."""

    code = "cannot_write"
    exit_code = 73


class TryAgain(IngestError):
    """A lock was held or work was left; the same call may succeed later."""

    code = "try_again"
    exit_code = 75


class Contended(TryAgain):
    """What others did at the same moment stood in the way; it can be done again at once."""


class ExtraMissing(IngestError):
    """An optional dependency is needed and not installed."""

    code = "extra_missing"
    exit_code = 78


class ClaimLost(IngestError):
    """A lane was claimed by another worker meanwhile; nothing was written."""

    code = "claim_lost"
    exit_code = 75


class WorkerLost(IngestError):
    """A worker was taken for dead by another; whatever it still does is refused."""

    code = "worker_lost"
    exit_code = 75


class PermanentError(IngestError):
    """A processor cannot handle this event, however often it is tried."""

    code = "permanent"


class TryLater(IngestError):
    """A processor or a call cannot be served now, and knows for how long it wants to be left alone."""

    code = "try_later"
    exit_code = 75

    def __init__(self, message: str, *, after: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.after = after  # seconds
