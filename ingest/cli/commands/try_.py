"""`ingest try`: run one processor on a file and apply nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json, ProcessorName, ProcessorsDir

app = App()
File = Annotated[
    Path, Argument(metavar="FILE", help="The file it is tried on; or an event as JSON.", show_default=False)
]


@app.command("try")
def try_(
    ctx: typer.Context,
    processor: ProcessorName,
    file: File,
    processors: ProcessorsDir = None,
    json: Json = False,
) -> int:
    """Run one processor in this process on a file; show rows, facts and rejects, and apply nothing."""
    from ingest.cli import tryview, wiring

    held = wiring.settings(ctx.obj)
    with output.printing_aside():
        tried = tryview.run(held, processor, file, local=wiring.processors_dir(held, processors))
    output.document(tryview.as_json(tried)) if json else output.show(*tryview.view(tried))
    return 0 if tried.verdict == "done" else 3
