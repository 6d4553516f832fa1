"""`ingest demo`: the whole main job on sample files, in a fresh directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json
from ingest.errors import UsageError

app = App()
Keep = Annotated[
    Path | None,
    Option("--keep", metavar="DIR", help="Run it in this new directory, and keep it.", show_default=False),
]


@app.command()
def demo(ctx: typer.Context, keep: Keep = None, json: Json = False) -> int:
    """Watch, work and replay two days of two partners' files; say what landed and what was booked."""
    from ingest.cli import demoview, signals

    if keep is not None and keep.is_dir() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty", hint="name a directory that does not exist yet")
    _quieten(ctx)
    with demoview.place(keep) as directory, signals.stopping() as stop:
        result = demoview.run(directory, stop=stop, is_told=not json)
        if result is None:
            return 130
        if json:
            output.document(demoview.as_json(result))
        elif keep is not None:
            output.write(
                f"kept: cd {keep}, then ingest status, or ingest trace inbox/acme/refunds-20260302.csv\n"
            )
    return 3 if result.wrong else 0


def _quieten(ctx: typer.Context) -> None:
    """What goes wrong here goes wrong on purpose: only who asked hears of each warning."""
    import logging

    if not (ctx.obj.verbose or ctx.obj.log_level):
        logging.getLogger().setLevel(logging.ERROR)
