"""What a child process is told at its start: which processors to run, by which rules, on which store."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ingest.domain.retry import Budget

# Environment variables that name the handles a child is given.
WAKE_FD, REPORT_FD, LOG_FD = "INGEST_WAKE_FD", "INGEST_REPORT_FD", "INGEST_LOG_FD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorSpec:
    """One processor and the rules it is worked by."""

    name: str
    use: str  # how the registry finds it
    version: str  # as registered
    options: dict[str, Any]
    on_dead: str  # park | skip
    timeout: float  # seconds
    memory_max: int  # bytes
    max_attempts: int
    max_crashes: int
    backoff_base: float  # seconds
    backoff_cap: float  # seconds
    max_facts: int
    max_rejects: float  # share of the rows, 0 to 1
    accepts: tuple[str, ...] = ()  # instead of the event types it declares

    @property
    def budget(self) -> Budget:
        """How often, and how far apart, a delivery may fail."""
        return Budget(
            max_attempts=self.max_attempts,
            max_crashes=self.max_crashes,
            base=timedelta(seconds=self.backoff_base),
            cap=timedelta(seconds=self.backoff_cap),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """Everything one child needs; sent as JSON on its standard input."""

    store_url: str
    store_local: str  # directory
    archive: str  # directory, or the address of a bucket
    worker: str  # id
    lock: str  # path of the worker's lock file, which carries the board
    room: str  # a private directory to work in
    slot: int  # on the board
    child: int  # never reused within the worker
    parent: int  # pid
    log_level: int
    processors_dir: str | None
    limit: int | None  # deliveries to end, then stop
    processors: tuple[ProcessorSpec, ...]

    def to_json(self) -> str:
        """The specification as one line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ChildSpec:
        """The specification that `to_json` wrote."""
        found = json.loads(text)
        found["processors"] = tuple(ProcessorSpec(**p) for p in found["processors"])
        return cls(**found)
