"""`ingest doctor`: everything ingest stands on, and what to do where something is wrong."""

from __future__ import annotations

import typer

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json

app = App()


@app.command()
def doctor(ctx: typer.Context, json: Json = False) -> int:
    """Look at the installation, the machine, the store, the archive and the sources; change nothing."""
    from ingest.cli.doctor import visit
    from ingest.cli.doctor.findings import problems

    found = visit.examine(ctx.obj)
    output.document(visit.as_json(found)) if json else output.show(*visit.view(found))
    return 3 if problems(found) else 0
