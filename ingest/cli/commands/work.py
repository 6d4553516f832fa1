"""`ingest work`: process what is due until stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import (
    Concurrency,
    Json,
    Limit,
    Once,
    Processors,
    ProcessorsDir,
    ShutdownTimeout,
    Supervisor,
    WaitRetries,
)

if TYPE_CHECKING:
    from ingest.work.worker import WorkSummary

app = App()


@app.command()
def work(
    ctx: typer.Context,
    processor: Processors = None,
    concurrency: Concurrency = None,
    once: Once = False,
    wait_retries: WaitRetries = False,
    limit: Limit = None,
    shutdown_timeout: ShutdownTimeout = None,
    processors: ProcessorsDir = None,
    json: Json = False,
    supervisor: Supervisor = None,
) -> int:
    """Process what is due until stopped; with --once, until nothing is."""
    from collections import Counter

    from ingest.cli import bars, signals, wiring
    from ingest.work.supervisor import Wanted
    from ingest.work.worker import work as supervise

    flags = wiring.work_flags(concurrency=concurrency, shutdown_timeout=shutdown_timeout)
    with (
        wiring.service() as service,
        signals.stopping(with_parent=supervisor) as stop,  # also while the store is closed
        wiring.created(ctx.obj, flags, is_first=supervisor is None) as pipeline,
    ):
        wanted = Wanted(
            processors=processor or (),
            once=once,
            wait_retries=wait_retries,
            limit=limit,
            processors_dir=pipeline.processors_dir(processors),
        )
        parts = (pipeline.store, pipeline.settings, wanted)
        if not once:
            supervise(*parts, stop=stop, service=service)
            return stop.exit_code(0)
        ended: Counter[str] = Counter()
        with bars.progress("working", things="deliveries", look=ended.total):
            summary = supervise(*parts, stop=stop, service=service, ended=ended)
        tell(summary, as_json=json)
        return stop.exit_code(0 if stop.is_set() else exit_code(summary))


def exit_code(summary: WorkSummary) -> int:
    """What `--once` answers: something died, else something is left, else all is done."""
    if summary.dead:
        return 3
    return 0 if summary.left == "nothing" else 75


def tell(summary: WorkSummary, *, as_json: bool) -> None:
    """What this run did is on stdout."""
    from dataclasses import asdict

    said = asdict(summary)
    left = said.pop("left")
    if as_json:
        output.document(said)
    else:
        rest = "" if left == "nothing" else f"; {left} are left"
        output.write(
            f"done {summary.done}, dead {summary.dead}, retried {summary.retried}, "
            f"crashed {summary.crashed}, superseded {summary.superseded} in {summary.seconds:.1f} s{rest}\n"
        )
