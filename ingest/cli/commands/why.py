"""`ingest why`: why a path was landed, or was not."""

from __future__ import annotations

from pathlib import Path

import typer

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json, PathLike

app = App()


@app.command()
def why(ctx: typer.Context, path: PathLike, json: Json = False) -> int:
    """Why a path was landed, or was not: its rule, what was seen there, and what it repeats or replaces."""
    from ingest.cli import whyview, wiring

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        reason = whyview.find(tx, path, pipeline.settings.sources, cwd=Path.cwd(), now=pipeline.store.now())
    output.document(whyview.as_json(reason)) if json else output.show(*whyview.view(reason))
    return 0
