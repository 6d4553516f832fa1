"""A quick look at names in a store, for who types one: whatever stands in the way, there are just fewer.

It speaks to the driver alone, since a shell waits for it: nothing is made,
written or waited for, and a store of another schema answers as far as it can.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from typing import Any
from urllib.parse import quote

from ingest.config import is_on_server
from ingest.store.sqlite.driver import sqlite_module

_PROCESSORS = "SELECT processor, state FROM subscriptions ORDER BY processor"
_REPLAYS = (
    "SELECT id, processor || ' ' || mode || ' ' || state FROM replays ORDER BY requested_at DESC LIMIT 50"
)
_KEYS = "SELECT key, keyseq FROM event_keys WHERE key >= ? AND key < ? ORDER BY key LIMIT 50"
_NEWEST = "SELECT id, type FROM events ORDER BY position DESC LIMIT 50"
_BEGIN_SO = "SELECT id, type FROM events WHERE id >= ? AND id < ? ORDER BY id LIMIT 50"
_DEAD = (
    "SELECT events.id, dead.error FROM dead JOIN events ON events.position = dead.position "
    "ORDER BY dead.since DESC LIMIT 50"
)
_TYPES = (
    "SELECT DISTINCT type, '' FROM (SELECT type FROM events ORDER BY position DESC LIMIT 1000) AS newest"
    " ORDER BY type"
)
_LAST = "\U0010ffff"  # sorts behind whatever may follow a beginning

_PATIENCE = 2  # seconds: the shortest that the driver knows for a connection

Names = list[tuple[str, str]]  # each with a word on what it stands for


def processors(url: str) -> Names:
    """The subscribed processors, with their state."""
    return _look(url, _PROCESSORS)


def replays(url: str) -> Names:
    """The newest replays, with what they are."""
    return _look(url, _REPLAYS)


def keys(url: str, beginning: str) -> Names:
    """Partition keys that begin so."""
    return _look(url, _KEYS, beginning, beginning + _LAST)


def events(url: str, beginning: str) -> Names:
    """Ids of events that begin so; the newest where nothing is typed yet."""
    return _look(url, _BEGIN_SO, beginning, beginning + _LAST) if beginning else _look(url, _NEWEST)


def types(url: str) -> Names:
    """The types of the newest events: to look at all of them takes longer than a shell waits."""
    return _look(url, _TYPES)


def dead(url: str) -> Names:
    """Ids of the events of dead deliveries, the newest first, with the error."""
    return _look(url, _DEAD)


def _look(url: str, statement: str, *values: Any) -> Names:
    """What the statement finds; raises the driver's error where it cannot be asked now."""
    look = _on_server if is_on_server(url) else _in_file
    return [(str(first), str(second)) for first, second in look(url, statement, values)]


def _in_file(url: str, statement: str, values: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    name = quote(os.fsencode(url.removeprefix("sqlite:///")))
    # To join in the write-ahead log; makes no file.
    with closing(sqlite_module().connect(f"file:{name}?mode=rw", uri=True, timeout=0)) as connection:
        connection.execute("PRAGMA query_only=ON")
        return list(connection.execute(statement, values))


def _on_server(url: str, statement: str, values: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    import psycopg  # noqa: PLC0415  # an extra, and slow to load

    _, _, rest = url.partition(":")
    with psycopg.connect(f"postgresql:{rest}", autocommit=True, connect_timeout=_PATIENCE) as connection:
        connection.read_only = True
        connection.execute(f"SET statement_timeout = '{_PATIENCE}s'")
        return connection.execute(statement.replace("?", "%s"), values).fetchall()
