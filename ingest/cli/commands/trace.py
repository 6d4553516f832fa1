"""`ingest trace`: the whole life of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import LARGEST, Json

app = App()
Asked = Annotated[
    str,
    Argument(
        metavar="PATH|ID|SHA256",
        help="A path, as it is or relative to a source; an event; a content or a member of one.",
        autocompletion=completing.events_or_paths,
        show_default=False,
    ),
]
Limit = Annotated[int, Option(metavar="N", min=1, max=LARGEST, help="At most so many events.")]


@app.command()
def trace(ctx: typer.Context, asked: Asked, json: Json = False, limit: Limit = 1000) -> int:
    """The whole life of a file: sightings, landings, every try of every processor, and what came of them."""
    from ingest import trace as lives
    from ingest.cli import lifeview, wiring

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        sources = pipeline.settings.sources
        traced = lives.trace(tx, asked, sources, cwd=Path.cwd(), limit=limit, now=pipeline.store.now())
    output.document(lifeview.as_json(traced)) if json else output.show(*lifeview.view(traced))
    return 0
