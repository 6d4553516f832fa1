"""Whether somebody has committed: asked at next to no cost, and hinted at by the kernel where it can.

The truth is `PRAGMA data_version`. The hint is one inotify watch on the
write-ahead log, which every commit writes to; it fires once and is set anew,
so that a busy store makes no noise. A hint comes a little before the commit
can be seen, and one may be missed: whoever waits looks now and then besides.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from pathlib import Path
from typing import Any

from ingest.store.sqlite.translating import translated

_IN_MODIFY, _IN_ONESHOT = 0x00000002, 0x80000000  # inotify(7)
_EVENTS = 4096  # bytes read at once; one event takes 16


class FileChanges:
    """Implements `ingest.store.engine.Changes`."""

    def __init__(self, raw: Any, path: Path) -> None:
        self._raw, self._path = raw, path
        self._cursor = raw.cursor()
        self._seen = -1
        self._log = os.fsencode(path) + b"-wal"
        self._hints: int | None = None  # asked for at the first need

    def has_moved(self) -> bool:
        """True when something was committed since the last call; always at the first."""
        with translated(self._path):
            version: int = self._cursor.execute("PRAGMA data_version").fetchone()[0]
        moved, self._seen = version != self._seen, version
        return moved

    def expect(self) -> int:
        """A handle that is readable once the store is written to; -1 where the system gives no hints.

        Ask for it before you look, and take what it said before first: a hint
        that comes in between stands, for what it hints at may not be seen yet.
        """
        if self._hints is None:
            self._hints = _inotify()
        if self._hints < 0:
            return -1
        once = ctypes.c_uint32(_IN_MODIFY | _IN_ONESHOT)
        return self._hints if _libc().inotify_add_watch(self._hints, self._log, once) >= 0 else -1

    def take_hint(self) -> bool:
        """True when the store was written to since it was last asked to be hinted at."""
        if self._hints is None or self._hints < 0:
            return False
        try:
            return bool(os.read(self._hints, _EVENTS))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Give the connection back."""
        if self._hints is not None and self._hints >= 0:
            os.close(self._hints)
        self._hints = -1
        self._raw.close()


def _inotify() -> int:
    """A new handle for hints; -1 where the system has none, or its limits allow no more."""
    if sys.platform != "linux":
        return -1
    return int(_libc().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
