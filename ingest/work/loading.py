"""The import of a processor, in a process that may be ended for it."""

from __future__ import annotations

from pathlib import Path

from ingest.registry import Found, find
from ingest.work import memory

IMPORT_MEMORY = 2 * 1024**3  # bytes that every import may take, however little its processor may later


def load(use: str, *, local: Path | None, memory_max: int) -> Found:
    """The processor that `use` names, as `find` finds it; its import is refused memory without end."""
    memory.limit(memory.taken() + max(memory_max, IMPORT_MEMORY))
    try:
        return find(use, local=local)
    finally:
        memory.lift()
