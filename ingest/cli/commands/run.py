"""`ingest run`: watch and work, supervised together, for one machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ingest.cli.frame import App
from ingest.cli.options import (
    Concurrency,
    Json,
    Limit,
    Mode,
    Once,
    Processors,
    ProcessorsDir,
    Quiet,
    ShutdownTimeout,
    Sources,
    WaitRetries,
)

if TYPE_CHECKING:
    from ingest.config import Settings

app = App()


@app.command()
def run(
    ctx: typer.Context,
    source: Sources = None,
    mode: Mode = None,
    quiet: Quiet = None,
    processor: Processors = None,
    concurrency: Concurrency = None,
    once: Once = False,
    wait_retries: WaitRetries = False,
    limit: Limit = None,
    shutdown_timeout: ShutdownTimeout = None,
    processors: ProcessorsDir = None,
    json: Json = False,
) -> int:
    """Watch and work until stopped; with --once, watch and then work until nothing is left."""
    from ingest import run as pair
    from ingest.cli import commandlines, signals, wiring

    service = wiring.service()
    watch_args = commandlines.watch(source=source, mode=mode, quiet=quiet, once=once, json=json)
    work_args = commandlines.work(
        processor=processor,
        concurrency=concurrency,
        once=once,
        wait_retries=wait_retries,
        limit=limit,
        shutdown_timeout=shutdown_timeout,
        processors=processors,
        json=json,
    )
    with wiring.created(ctx.obj) as pipeline:
        _refuse_unknown(pipeline.settings, source or (), processor or ())
        before = commandlines.global_flags(ctx.obj, pipeline.settings.file)
    roles = [
        pair.Role(name="watch", argv=[*before, *watch_args]),
        pair.Role(name="work", argv=[*before, *work_args]),
    ]
    with service, signals.stopping() as stop:
        if once:
            return stop.exit_code(pair.one_after_the_other(roles, stop=stop))
        return stop.exit_code(pair.together(roles, stop=stop, service=service))


def _refuse_unknown(held: Settings, sources: Sequence[str], processors: Sequence[str]) -> None:
    """Raise `NotFound` for what one of the two would refuse, before the other has done anything."""
    for name in sources:
        held.source(name)
    for name in processors:
        held.processor(name)
