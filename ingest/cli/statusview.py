"""The status laid out for a person, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ingest.cli import output, replayview
from ingest.cli.problems import problems
from ingest.cli.statuses import Status
from ingest.cli.words import age, size, so_many
from ingest.domain.showing import show
from ingest.store.reading.reports import ProcessorStatus, SourceStatus, WorkerStatus
from ingest.store.schema import REVISION

if TYPE_CHECKING:
    from rich.console import RenderableType


def view(status: Status) -> list[RenderableType]:
    """What is printed, part by part; a part without rows is left out."""
    return [_head(status), *_tables(status), verdict(status)]


def live(status: Status) -> list[RenderableType]:
    """The same for a screen, which may be too short: what matters most comes first."""
    from rich.text import Text

    title = f"ingest status, {status.at.astimezone():%Y-%m-%d %H:%M:%S}. Ctrl-C ends it."
    return [Text(title, style="dim"), verdict(status), *_tables(status), _head(status)]


def _tables(status: Status) -> list[RenderableType]:
    at = status.at
    parts: list[RenderableType] = []
    if status.sources:
        parts += [_sources(status.sources, at), *_errors(status.sources)]
    if status.processors:
        parts.append(_processors(status.processors))
    if status.watchers or status.workers:
        parts.append(_workers([*status.watchers, *status.workers]))
    if status.replays:
        parts.append(replayview.listed(status.replays))
    return parts


_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _head(status: Status) -> RenderableType:
    wal = f", {size(status.wal_bytes)} not checkpointed yet" if status.wal_bytes else ""
    kept = f"{so_many(status.archive.contents, 'content')}, {size(status.archive.bytes)}"
    return output.facts(
        [
            ("store", show(status.url)),
            ("", f"{_ENGINES[status.dialect]} {status.engine_version}, schema {REVISION}{wal}"),
            ("archive", kept),
            ("log", so_many(status.head_position, "event")),
        ]
    )


def _sources(sources: Sequence[SourceStatus], at: datetime) -> RenderableType:
    columns = (
        "source",
        "state",
        "mode",
        "#landed",
        "#again",
        "#refused",
        "#settling",
        "#ignored",
        "scanned",
    )
    return output.table(
        "",
        columns,
        [
            (
                source.name,
                source.state,
                source.mode,
                source.landed,
                source.redelivered,
                source.refused,
                _settling(source, at),
                source.ignored,
                "never" if source.last_scan_at is None else age((at - source.last_scan_at).total_seconds()),
            )
            for source in sources
        ],
    )


def _errors(sources: Sequence[SourceStatus]) -> Iterator[RenderableType]:
    """What is wrong with sources, in as many words as it takes; after a table, where it has room."""
    from rich.text import Text

    for source in sources:
        if source.error:
            yield Text(f"{source.name}: {show(source.error)}", style="red")


def _settling(source: SourceStatus, at: datetime) -> str:
    """How many files wait, and how long one has."""
    since = source.settling_since
    return (
        str(source.settling) if since is None else f"{source.settling} ({age((at - since).total_seconds())})"
    )


def _processors(processors: Sequence[ProcessorStatus]) -> RenderableType:
    columns = (
        "processor",
        "state",
        "#waiting",
        "#running",
        "#retrying",
        "#dead",
        "#done",
        "#parked",
        "oldest",
    )
    return output.table(
        "",
        columns,
        [
            (
                processor.name,
                f"{processor.state}, filling" if processor.filling else processor.state,
                processor.waiting,
                processor.running,
                processor.retrying,
                processor.dead,
                processor.done,
                processor.parked_keys,
                "" if processor.oldest_waiting_s is None else age(processor.oldest_waiting_s),
            )
            for processor in processors
        ],
    )


def _workers(workers: Sequence[WorkerStatus]) -> RenderableType:
    rows = [(w.kind, w.state, w.host, w.pid, f"{age(w.beat_age_s)} ago") for w in workers]
    return output.table("", ("process", "state", "host", "#pid", "heard of"), rows)


def verdict(status: Status) -> RenderableType:
    """What is wrong, a line each; or that all is well."""
    from rich.text import Text

    found = problems(status)
    if not found:
        return Text("all is well", style="green")
    return Text("\n".join(f"! {output.one_line(problem)}" for problem in found), style="bold red")
