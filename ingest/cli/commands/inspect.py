"""`ingest inspect`: what the product makes of a file, without landing it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json, ProcessorsDir

app = App()
File = Annotated[Path, Argument(metavar="FILE", help="The file to look at.", show_default=False)]
Encoding = Annotated[
    str | None,
    Option(metavar="NAME", help="Its encoding, instead of the one declared for its source."),
]


@app.command()
def inspect(
    ctx: typer.Context,
    file: File,
    encoding: Encoding = None,
    processors: ProcessorsDir = None,
    json: Json = False,
) -> int:
    """What a file is, who could process it, and what would be made of it; nothing is landed or kept."""
    from ingest.cli import inspectview, wiring

    held = wiring.settings_or_defaults(ctx.obj)
    with output.printing_aside():
        seen = inspectview.run(held, file, encoding=encoding, local=wiring.processors_dir(held, processors))
    output.document(inspectview.as_json(seen)) if json else output.show(*inspectview.view(seen))
    return 0 if seen.is_taken else 3
