"""A quick look at names in a store, for who types one: whatever stands in the way, there are just fewer.

It speaks to the driver alone, since a shell waits for it: nothing is made,
written or waited for, and a store of another schema answers as far as it can.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ingest.store.sqlite.driver import sqlite_module

_PROCESSORS = "SELECT processor, state FROM subscriptions ORDER BY processor"
_REPLAYS = (
    "SELECT id, processor || ' ' || mode || ' ' || state FROM replays ORDER BY requested_at DESC LIMIT 50"
)
_KEYS = "SELECT key, keyseq FROM event_keys WHERE key >= ?1 AND key < ?1 || ?2 ORDER BY key LIMIT 50"
_NEWEST = "SELECT id, type FROM events ORDER BY position DESC LIMIT 50"
_BEGIN_SO = "SELECT id, type FROM events WHERE id >= ?1 AND id < ?1 || ?2 ORDER BY id LIMIT 50"
_DEAD = (
    "SELECT events.id, dead.error FROM dead JOIN events ON events.position = dead.position "
    "ORDER BY dead.since DESC LIMIT 50"
)
_TYPES = (
    "SELECT DISTINCT type, '' FROM (SELECT type FROM events ORDER BY position DESC LIMIT 1000) ORDER BY type"
)
_LAST = "\U0010ffff"  # sorts behind whatever may follow a beginning

Names = list[tuple[str, str]]  # each with a word on what it stands for


def processors(path: Path) -> Names:
    """The subscribed processors, with their state."""
    return _look(path, _PROCESSORS)


def replays(path: Path) -> Names:
    """The newest replays, with what they are."""
    return _look(path, _REPLAYS)


def keys(path: Path, beginning: str) -> Names:
    """Partition keys that begin so."""
    return _look(path, _KEYS, beginning, _LAST)


def events(path: Path, beginning: str) -> Names:
    """Ids of events that begin so; the newest where nothing is typed yet."""
    return _look(path, _BEGIN_SO, beginning, _LAST) if beginning else _look(path, _NEWEST)


def types(path: Path) -> Names:
    """The types of the newest events: to look at all of them takes longer than a shell waits."""
    return _look(path, _TYPES)


def dead(path: Path) -> Names:
    """Ids of the events of dead deliveries, the newest first, with the error."""
    return _look(path, _DEAD)


def _look(path: Path, statement: str, *values: Any) -> Names:
    """What the statement finds; raises the driver's error where it cannot be asked now."""
    name = f"file:{quote(os.fsencode(path))}?mode=rw"  # to join in the write-ahead log; makes no file
    with closing(sqlite_module().connect(name, uri=True, timeout=0)) as connection:
        connection.execute("PRAGMA query_only=ON")
        return [(str(first), str(second)) for first, second in connection.execute(statement, values)]
