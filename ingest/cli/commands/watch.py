"""`ingest watch`: land files until stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json, Mode, Once, Quiet, Sources, Supervisor

if TYPE_CHECKING:
    from ingest.watch.once import Summary

app = App()


@app.command()
def watch(
    ctx: typer.Context,
    source: Sources = None,
    once: Once = False,
    mode: Mode = None,
    quiet: Quiet = None,
    json: Json = False,
    supervisor: Supervisor = None,
) -> int:
    """Land files until stopped; with --once, all that is whole within one quiet time from now."""
    from ingest.cli import bars, signals, wiring
    from ingest.watch import loop
    from ingest.watch.once import watch_once

    flags = wiring.watch_flags(mode=mode, quiet=quiet)
    with (
        wiring.service() as service,
        signals.stopping(leave_at=2, with_parent=supervisor) as stop,  # also while the store is closed
        wiring.created(ctx.obj, flags, is_first=supervisor is None) as pipeline,
    ):
        parts = (pipeline.store, pipeline.archive, pipeline.settings)
        if not once:
            loop.watch(*parts, sources=source or (), stop=stop, service=service)
            return 0
        with bars.progress("landing", things="files") as advance:
            summary = watch_once(*parts, sources=source or (), stop=stop, advance=advance)
    _tell(summary, as_json=json)
    return 3 if summary.refused or summary.failed else 0


def _tell(summary: Summary, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        output.document(asdict(summary))
    else:
        output.write(
            f"landed {summary.landed}, redelivered {summary.redelivered}, refused {summary.refused}, "
            f"ignored {summary.ignored}, waiting {summary.waiting}, failed {summary.failed} "
            f"in {summary.seconds:.1f} s\n"
        )
