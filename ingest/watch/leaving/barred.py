"""What must be so before a watcher starts: found at once, not at each file for ever."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ingest.config import SourceSettings
from ingest.errors import CannotWrite


def refuse_exits_that_are_barred(sources: Iterable[SourceSettings]) -> None:
    """Raises `CannotWrite` when files of a source that are to leave could not; makes where they go to.

    A directory that is not there now may come; what is wrong then shows when the first file is to leave.
    """
    for source in sources:
        if source.after == "keep":
            continue
        if _is_there(source.path) and not _is_writable(source.path):
            raise CannotWrite(
                f'the source {source.name} has after = "{source.after}", and {source.path} cannot be written',
                hint='allow this user to write there, or set after = "keep"',
            )
        if source.moves_to is not None:
            _make(source.name, source.moves_to)


def _make(source: str, directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(
            f"the source {source} moves its files to {directory}, which cannot be made: {error.strerror}",
            hint="make it, or name another directory in after",
        ) from error
    if not _is_writable(directory):
        raise CannotWrite(
            f"the source {source} moves its files to {directory}, which cannot be written",
            hint="allow this user to write there, or name another directory in after",
        )


def _is_there(directory: Path) -> bool:
    """False also of one that may not be looked at, or is on a dead mount: that shows while watching."""
    try:
        return directory.is_dir()
    except OSError:
        return False


def _is_writable(directory: Path) -> bool:
    return os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)
