"""Temporary files for what is too large for memory: without a name, gone with the process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ingest.errors import CannotWrite


def unnamed() -> IO[bytes]:
    """A new one, empty; its owner closes it."""
    return tempfile.TemporaryFile()


@contextmanager
def disk() -> Iterator[None]:
    """What the disk refuses in the block is raised as `CannotWrite`: no fault of whose data it was."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(
            f"cannot keep a large result in a temporary file: {error.strerror}",
            hint="free the disk of the temporary directory; nothing was lost",
        ) from error
