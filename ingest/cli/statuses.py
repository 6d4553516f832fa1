"""The status, gathered from one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.cli.wiring import Pipeline
from ingest.config import mask_url
from ingest.filesystems import room_trouble
from ingest.store import contents, integrity, presence, replays
from ingest.store.contents import Totals
from ingest.store.reading import reports
from ingest.store.reading.reports import ProcessorStatus, SourceStatus, WorkerStatus
from ingest.store.replays import ReplayReport

RECENT = 10  # finished replays that are still shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything at one instant."""

    url: str
    dialect: str  # sqlite | postgresql
    engine_version: str
    wal_bytes: int
    is_write_locked: bool
    archive: Totals
    sources: Sequence[SourceStatus]
    processors: Sequence[ProcessorStatus]
    watchers: Sequence[WorkerStatus]
    workers: Sequence[WorkerStatus]
    replays: Sequence[ReplayReport]
    head_position: int
    at: datetime
    named: frozenset[str]  # the processors of ingest.toml
    troubles: Sequence[str]  # of the disks, and what processes of this host say of themselves


def gather(pipeline: Pipeline) -> Status:
    """The status, from one snapshot of the store."""
    store, is_dead = pipeline.store, pipeline.is_dead()
    is_locked, engine_version = integrity.is_write_locked(store), integrity.engine_version(store)
    with store.read() as tx:
        at = store.now()
        watchers = reports.worker_statuses(tx, "watcher", is_dead=is_dead, now=at)
        workers = reports.worker_statuses(tx, "worker", is_dead=is_dead, now=at)
        return Status(
            url=mask_url(store.url),
            dialect=store.dialect,
            engine_version=engine_version,
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
            named=frozenset(processor.name for processor in pipeline.settings.processors),
            troubles=_troubles(pipeline, [*watchers, *workers]),
        )


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


def _recent(found: list[ReplayReport]) -> list[ReplayReport]:
    ended = [report for report in found if report.state in ("done", "cancelled")]
    left_out = {report.id for report in ended[:-RECENT]}
    return [report for report in found if report.id not in left_out]
