"""The status as scripts rely on it: the document of `status --json`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ingest.cli import shapes
from ingest.cli.problems import problems
from ingest.cli.statuses import Status
from ingest.store.reading.reports import ProcessorStatus, SourceStatus, WorkerStatus
from ingest.store.schema import REVISION


def as_json(status: Status) -> dict[str, Any]:
    """The document of `status --json`."""
    return {
        "store": {
            "url": status.url,
            "dialect": status.dialect,
            "engine_version": status.engine_version,
            "schema": REVISION,
            "wal_bytes": status.wal_bytes,
            "write_locked": status.is_write_locked,
        },
        "archive": {"objects": status.archive.contents, "bytes": status.archive.bytes},
        "sources": [_source(source, status.at) for source in status.sources],
        "processors": [_processor(processor) for processor in status.processors],
        "watchers": [_worker(watcher) for watcher in status.watchers],
        "workers": [_worker(worker) for worker in status.workers],
        "replays": [shapes.replay(report) for report in status.replays],
        "head_position": status.head_position,
        "problems": problems(status),
    }


def _source(source: SourceStatus, at: datetime) -> dict[str, Any]:
    since = source.settling_since
    return {
        "name": source.name,
        "path": source.path,
        "mode": source.mode,
        "state": source.state,
        "proof": source.proof,
        "last_scan_at": shapes.time(source.last_scan_at),
        "settling": source.settling,
        "landed": source.landed,
        "redelivered": source.redelivered,
        "refused": source.refused,
        "ignored": source.ignored,
        "error": source.error or None,
        "suppressed": source.suppressed,
        "oldest_settling_s": None if since is None else max((at - since).total_seconds(), 0.0),
    }


def _processor(processor: ProcessorStatus) -> dict[str, Any]:
    return {
        "name": processor.name,
        "version": processor.version,
        "state": processor.state,
        "waiting": processor.waiting,
        "running": processor.running,
        "retrying": processor.retrying,
        "dead": processor.dead,
        "done": processor.done,
        "parked_keys": processor.parked_keys,
        "oldest_waiting_s": processor.oldest_waiting_s,
        "last_position": processor.last_position,
        "filling": processor.filling,
    }


def _worker(worker: WorkerStatus) -> dict[str, Any]:
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "state": worker.state,
        "beat_age_s": round(worker.beat_age_s, 3),
    }
