"""`ingest init`: a project to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json
from ingest.errors import UsageError

app = App()
Directory = Annotated[Path, Argument(metavar="[DIR]", help="Where; here by default.", show_default=False)]
Example = Annotated[
    bool,
    Option(
        "--example", help="A small real project: two partners, their files, a README.", show_default=False
    ),
]


@app.command()
def init(
    ctx: typer.Context, directory: Directory = Path(), example: Example = False, json: Json = False
) -> int:
    """Write ingest.toml, an inbox and a first processor, and make the store; nothing is ever overwritten."""
    from ingest.cli import scaffold

    if ctx.obj.config is not None:
        raise UsageError("init takes a directory, not -C", hint=f"ingest init {Path(ctx.obj.config).parent}")
    written = scaffold.make(directory, is_example=example)
    if json:
        output.document({"written": [{"path": each.path, "new": each.is_new} for each in written]})
        return 0
    for each in written:
        output.write(output.one_line(f"{'made' if each.is_new else 'kept'}  {each.path}") + "\n")
    where = "" if directory == Path() else f"cd {directory} && "
    what = (
        "ingest run --once, then read README.md" if example else "ingest run, and put a file into the inbox"
    )
    output.write(output.one_line(f"next: {where}{what}") + "\n")
    return 0
