"""What this host has seen committed: a server that comes back with less is not gone on with.

A standby that is promoted may lack the last commits, and a server may be
restored from a backup. Files may have been deleted at their source because of
what is missing then, and calls made. Nothing of that happens on a connection
that stands, so that each new one is looked at, and what beats looks besides.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ingest.domain.naming import digest_of
from ingest.errors import StoreReplaced
from ingest.store.directories import make_private_directory

_HEAD = "SELECT coalesce(max(position), 0) FROM events"
# A standby that follows may be behind, and has lost nothing as long as it follows.
_FIRST_LOOK = f"SELECT ({_HEAD}), pg_is_in_recovery()"  # our own words


class Witness:
    """Keeps, in a file in `local`, the highest position that was seen in the log of the database `named`."""

    def __init__(self, local: Path, named: str) -> None:
        self._path = local / f"seen-{digest_of('database', named)[:16]}"
        self._seen = 0  # by this process
        self._appended = 0  # by this process

    def meet(self, raw: Any) -> None:
        """Raise `StoreReplaced` when what answers on `raw`, the driver's connection, lacks what was seen."""
        from psycopg.errors import UndefinedTable  # noqa: PLC0415  # an extra: it is there where it connects

        seen = self._known()
        raw.autocommit = True
        try:
            head, follows = raw.execute(_FIRST_LOOK).fetchone()
        except UndefinedTable:  # it is empty, and was perhaps not always
            head, follows = 0, False
        raw.autocommit = False
        if not follows:
            self._compare(head, seen)

    def look(self, tx: Connection) -> None:
        """The file says how far the log goes; raises `StoreReplaced` as `meet` does. `tx` appends nothing."""
        seen = self._known()
        self._compare(int(tx.exec_driver_sql(_HEAD).scalar_one()), seen)
        self._note()

    def saw(self, position: int) -> None:
        """This process has appended up to this position, and was told that it stands."""
        self._appended = self._seen = max(self._seen, position)

    def keep(self) -> None:
        """The file says so."""
        if self._appended:
            self._note()

    def _known(self) -> int:
        """What was seen by now; to be asked before the server is, for others append and note meanwhile."""
        self._seen = max(self._seen, self._noted())
        return self._seen

    def _compare(self, head: int, seen: int) -> None:
        if head < seen:
            self._note()  # whoever starts next is refused too, until a person decides
            raise StoreReplaced(
                f"the server has lost events: its log ends at position {head}, and this host saw {seen}",
                hint=f"bring back the server that has them; to go on without, remove {self._path}",
            )
        self._seen = max(self._seen, head)

    def _noted(self) -> int:
        with suppress(OSError, ValueError):
            return int(self._path.read_text("ascii"))
        return 0

    def _note(self) -> None:
        """The file says what was seen, whole or not at all; a disk that refuses is no reason to stop."""
        if self._noted() >= self._seen:
            return
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            make_private_directory(self._path.parent)
            part.write_text(str(self._seen), "ascii")
            part.replace(self._path)
