"""What this host has seen committed: a server that comes back with less is not gone on with.

A standby that is promoted may lack the last commits, and a server may be
restored from a backup. Files may have been deleted at their source because of
what is missing then, and calls made.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, text

from ingest.domain.naming import digest_of
from ingest.errors import StoreReplaced
from ingest.store.directories import make_private_directory

_HEAD = text("SELECT coalesce(max(position), 0) FROM events")


class Witness:
    """Keeps, in a file in `local`, the highest position that was seen in the log of the database `named`."""

    def __init__(self, local: Path, named: str) -> None:
        self._path = local / f"seen-{digest_of('database', named)[:16]}"
        self._seen = -1  # not read yet

    def look(self, tx: Connection) -> None:
        """Raise `StoreReplaced` when the log ends before what was seen of it; `tx` appends nothing."""
        if self._seen < 0:
            self._seen = self._noted()
        head = int(tx.execute(_HEAD).scalar_one())
        if head < self._seen:
            raise StoreReplaced(
                f"the server has lost events: its log ends at position {head},"
                f" and this host saw {self._seen}",
                hint=f"bring back the server that has them; to go on without, remove {self._path}",
            )
        if head > self._seen:
            self._note(head)

    def _noted(self) -> int:
        with suppress(OSError, ValueError):
            return int(self._path.read_text("ascii"))
        return 0

    def _note(self, position: int) -> None:
        """The file says so, whole or not at all; a disk that refuses is no reason to stop."""
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            make_private_directory(self._path.parent)
            part.write_text(str(position), "ascii")
            part.replace(self._path)
        self._seen = position
