"""What a person should look at in a status: the dead, the stale, the unhealthy; a line each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ingest.cli.statuses import Status
from ingest.cli.words import age
from ingest.store.reading.reports import ProcessorStatus, SourceStatus, WorkerStatus

SCAN_LATE = timedelta(hours=1)  # however wide a directory is: scanning pauses for minutes, not for hours
WAL_LONG = 64 * 1024 * 1024  # bytes of the write-ahead log that only an unending reader explains


def problems(status: Status) -> list[str]:
    """Every problem; an empty list when all is well."""
    return list(_found(status))


def _found(status: Status) -> Iterator[str]:
    yield from status.troubles
    for source in status.sources:
        yield from _of_source(source, status.at)
    for one in (*status.watchers, *status.workers):
        yield from _of_process(one)
    for processor in status.processors:
        yield from _of_processor(processor, is_named=processor.name in status.named)
    if status.is_write_locked:
        yield "somebody sits on the database's write lock"
    if status.wal_bytes > WAL_LONG:
        yield "the write-ahead log grows: a reader has not ended"


def _of_source(source: SourceStatus, at: datetime) -> Iterator[str]:
    if source.state in ("unavailable", "degraded"):
        yield f"source {source.name} is {source.state}" + (f": {source.error}" if source.error else "")
    elif source.state == "ok" and source.last_scan_at and at - source.last_scan_at > SCAN_LATE:
        ago = age((at - source.last_scan_at).total_seconds())
        yield f"source {source.name} is watched, and was not scanned for {ago}"


def _of_process(one: WorkerStatus) -> Iterator[str]:
    if one.state == "stale":
        heard = age(one.beat_age_s)
        yield f"{one.kind} {one.id} is stale: pid {one.pid} on {one.host}, last heard of {heard} ago"


def _of_processor(processor: ProcessorStatus, *, is_named: bool) -> Iterator[str]:
    if processor.dead:
        yield f"{processor.name} has {processor.dead} dead"
    if processor.waiting and not is_named:
        yield f"{processor.name} has {processor.waiting} waiting, and ingest.toml does not name it"
