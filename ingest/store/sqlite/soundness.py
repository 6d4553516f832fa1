"""Whether a database file is sound, as far as that can be told in bounded time.

A disk that fails to read looks to SQLite like a damaged file. Before anybody
is told to restore a backup, the file is read as it lies there, and checked.

Nothing here opens the file in this process but through SQLite: closing it would
let go of every POSIX lock that SQLite holds on it, and another process, taking
itself for the last, would remove the log that we write to.
See https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ingest.store.sqlite.driver import is_damage, sqlite_module

AT_START = 0.5  # seconds a check at the start of a command may take
TO_CONFIRM = 10.0  # seconds for finding out whether what looks like damage is damage
_STEPS = 20_000  # of SQLite's machine between two looks at the clock
_READ_THROUGH = """
import sys
for name in sys.argv[1:]:
    with open(name, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
"""


def damage(path: Path, *, seconds: float, is_thorough: bool = False) -> str | None:
    """What is wrong with the database at `path`: empty for nothing, None when the time did not suffice.

    Its tables are checked with their indexes in an order that differs from
    call to call, so that over many starts every part of a large one is
    looked at. A thorough check also compares indexes with rows. Raises the
    driver's error when the file cannot be read at all.
    """
    driver = sqlite_module()
    with _connection(path, seconds) as connection:
        try:
            if _ends_within_a_page(connection, path):
                return "its last page is cut short"
            return _check(connection, "integrity_check" if is_thorough else "quick_check")
        except driver.DatabaseError as error:
            if is_damage(error):
                return str(error)
            if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
                return None
            raise


def _ends_within_a_page(connection: Any, path: Path) -> bool:
    """True of a file that SQLite would read as if its last page ended in zeros.

    While there is a write-ahead log nothing can be said: the page may be whole in there.
    """
    page: int = connection.execute("PRAGMA page_size").fetchone()[0]
    size = path.stat().st_size
    log = path.with_name(f"{path.name}-wal")
    has_log = log.exists() and log.stat().st_size > 0  # looked at last: what it holds may be on its way
    return size % page > 0 and not has_log


def is_readable(path: Path, *, seconds: float) -> bool:
    """True when the disk gives every byte of the database and its log, as far as time allows."""
    files = [file for file in (path, path.with_name(f"{path.name}-wal")) if file.exists()]
    command = [sys.executable, "-I", "-S", "-c", _READ_THROUGH, *map(str, files)]
    try:
        ended = subprocess.run(command, check=False, timeout=seconds, stderr=subprocess.DEVNULL)  # noqa: S603  # ours
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
    return ended.returncode == 0


def _check(connection: Any, pragma: str) -> str:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    random.shuffle(names)  # hides nothing: which part is looked at first
    for name in names:
        quoted = name.replace("'", "''")
        found = connection.execute(f"PRAGMA {pragma}('{quoted}')").fetchone()
        if found is not None and found[0] != "ok":
            return str(found[0])
    return ""


@contextmanager
def _connection(path: Path, seconds: float) -> Iterator[Any]:
    """A connection that reads only and is interrupted after so many seconds."""
    deadline = time.monotonic() + seconds
    name = f"file:{quote(os.fsencode(path))}?mode=rw"  # to join in the write-ahead log
    with closing(sqlite_module().connect(name, uri=True, timeout=1.0, isolation_level=None)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        connection.execute("PRAGMA query_only=ON")
        yield connection
