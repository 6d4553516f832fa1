"""`ingest status`: sources, processors, workers, replays, store and archive at one instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json

if TYPE_CHECKING:
    from ingest.cli.wiring import Pipeline

REFRESH = 1.0  # seconds

app = App()
Watch = Annotated[
    bool, Option("--watch", help="Show it anew every second, until stopped.", show_default=False)
]
Check = Annotated[
    bool, Option("--check", help="Exit 3 when anything is dead, stale or unhealthy.", show_default=False)
]


@app.command()
def status(ctx: typer.Context, json: Json = False, watch: Watch = False, check: Check = False) -> int:
    """Sources, processors, workers, replays, store and archive now."""
    from ingest.cli import statuses, statusview, wiring

    with wiring.opened(ctx.obj) as pipeline:
        if watch:
            return _watch(pipeline, as_json=json)
        found = statuses.gather(pipeline)
    output.document(statuses.as_json(found)) if json else output.show(*statusview.view(found))
    return 3 if check and found.problems() else 0


def _watch(pipeline: Pipeline, *, as_json: bool) -> int:
    from ingest.cli import statuses, statusview
    from ingest.cli.signals import stopping

    with stopping(leave_at=2) as stop, output.live() as show:
        while True:
            found = statuses.gather(pipeline)
            if as_json:
                output.document(statuses.as_json(found))
                output.flush()
            else:
                show(*statusview.view(found))
            if stop.wait(REFRESH):
                return 0
