"""The status: gathered from one snapshot, shaped for machines, laid out for people, and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.cli import shapes
from ingest.cli.wiring import Pipeline, now
from ingest.config import mask_url
from ingest.filesystems import room_trouble
from ingest.store import contents, integrity, presence, replays, reports
from ingest.store.contents import Totals
from ingest.store.replays import Report
from ingest.store.reports import ProcessorStatus, SourceStatus, WorkerStatus
from ingest.store.schema import REVISION

RECENT = 10  # finished replays that are still shown
WAL_LONG = 64 * 1024 * 1024  # bytes of the write-ahead log that only an unending reader explains


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything at one instant."""

    url: str
    wal_bytes: int
    is_write_locked: bool
    archive: Totals
    sources: Sequence[SourceStatus]
    processors: Sequence[ProcessorStatus]
    watchers: Sequence[WorkerStatus]
    workers: Sequence[WorkerStatus]
    replays: Sequence[Report]
    head_position: int
    at: datetime
    troubles: Sequence[str]  # of the disks, and what processes of this host say of themselves

    def problems(self) -> list[str]:
        """What a person should look at: dead deliveries, the stale, the unhealthy."""
        stale = [f"{w.kind} {w.id} is stale" for w in (*self.watchers, *self.workers) if w.state == "stale"]
        sick = [
            f"source {s.name} is {s.state}" for s in self.sources if s.state in ("unavailable", "degraded")
        ]
        died = [f"{p.name} has {p.dead} dead" for p in self.processors if p.dead]
        locked = ["somebody sits on the database's write lock"] if self.is_write_locked else []
        long = ["the write-ahead log grows: a reader has not ended"] if self.wal_bytes > WAL_LONG else []
        return [*self.troubles, *sick, *stale, *died, *locked, *long]


def gather(pipeline: Pipeline) -> Status:
    """The status, from one snapshot of the store."""
    store, is_dead = pipeline.store, pipeline.is_dead()
    is_locked = integrity.is_write_locked(store)
    with store.read() as tx:
        at = now()
        watchers = reports.worker_statuses(tx, "watcher", is_dead=is_dead, now=at)
        workers = reports.worker_statuses(tx, "worker", is_dead=is_dead, now=at)
        return Status(
            url=mask_url(store.url),
            wal_bytes=integrity.wal_bytes(store),
            is_write_locked=is_locked,
            archive=contents.totals(tx),
            sources=_with_new(pipeline, reports.source_statuses(tx, watchers=watchers)),
            processors=reports.processor_statuses(tx, now=at),
            watchers=watchers,
            workers=workers,
            replays=_recent(replays.reports(tx)),
            head_position=reports.head_position(tx),
            at=at,
            troubles=_troubles(pipeline, [*watchers, *workers]),
        )


def as_json(status: Status) -> dict[str, Any]:
    """The document of `status --json`."""
    return {
        "store": {
            "url": status.url,
            "dialect": "sqlite",
            "engine_version": integrity.engine_version(),
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
        "problems": status.problems(),
    }


def _with_new(pipeline: Pipeline, found: list[SourceStatus]) -> list[SourceStatus]:
    """The sources of ingest.toml that no watcher has seen yet are idle."""
    known = {source.name for source in found}
    new = [
        SourceStatus(
            name=source.name,
            path=str(source.path),
            mode="poll" if source.mode == "poll" else "notify",
            state="idle",
            proof="",
            last_scan_at=None,
            settling=0,
            landed=0,
            redelivered=0,
            refused=0,
            ignored=0,
            error="",
        )
        for source in pipeline.settings.sources
        if source.name not in known
    ]
    return sorted([*found, *new], key=lambda source: source.name)


def _troubles(pipeline: Pipeline, everyone: Sequence[WorkerStatus]) -> list[str]:
    """What the disks of store and archive show, and what those who work there say is wrong now."""
    where = presence.directory_of(pipeline.store.path)
    said = [
        (f"{one.kind} {one.id}", presence.trouble_of(where, one.id))
        for one in everyone
        if one.host == presence.host() and one.state != "stale"
    ]
    disks = [room_trouble(path) for path in (pipeline.store.path.parent, pipeline.archive.directory)]
    return [*dict.fromkeys(filter(None, disks)), *(f"{who}: {trouble}" for who, trouble in said if trouble)]


def _recent(found: list[Report]) -> list[Report]:
    ended = [report for report in found if report.state in ("done", "cancelled")]
    left_out = {report.id for report in ended[:-RECENT]}
    return [report for report in found if report.id not in left_out]


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
