"""Arrivals become immutable facts, processors handle each exactly once, anything can be replayed.

What stands here is what a processor needs. Names are loaded on first use, so
that `ingest --help` does not pay for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.contract import (
        Call,
        Context,
        Judging,
        Processor,
        Table,
        call,
        downgrade,
        fact,
        processor,
        table,
        upcast,
    )
    from ingest.domain.codec import envelope
    from ingest.domain.events import (
        DuplicateFileReceived,
        Event,
        FileExtracted,
        FileLanded,
        FileRefused,
        ReconcileCompleted,
        WatchGapDetected,
    )
    from ingest.domain.facts import class_of, fields_of
    from ingest.errors import PermanentError, TryLater

__all__ = [
    "Call",
    "Context",
    "DuplicateFileReceived",
    "Event",
    "FileExtracted",
    "FileLanded",
    "FileRefused",
    "Judging",
    "PermanentError",
    "Processor",
    "ReconcileCompleted",
    "Table",
    "TryLater",
    "WatchGapDetected",
    "call",
    "class_of",
    "downgrade",
    "envelope",
    "fact",
    "fields_of",
    "processor",
    "table",
    "upcast",
]

_HOMES = {
    "DuplicateFileReceived": "ingest.domain.events",
    "Event": "ingest.domain.events",
    "envelope": "ingest.domain.codec",
    "class_of": "ingest.domain.facts",
    "fields_of": "ingest.domain.facts",
    "FileExtracted": "ingest.domain.events",
    "FileLanded": "ingest.domain.events",
    "FileRefused": "ingest.domain.events",
    "ReconcileCompleted": "ingest.domain.events",
    "WatchGapDetected": "ingest.domain.events",
    "PermanentError": "ingest.errors",
    "TryLater": "ingest.errors",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES.get(name, "ingest.contract")), name)
