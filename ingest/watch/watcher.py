"""What all sources of one watcher share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingest.archive import Archive
from ingest.config import Settings
from ingest.store.engine import Store
from ingest.watch.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """The store, the archive, the clock, and who is watching."""

    store: Store
    archive: Archive
    settings: Settings
    clock: Clock
    owner: Callable[[], str]  # the watcher's id
    should_stop: Callable[[], bool]
