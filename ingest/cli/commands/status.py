"""`ingest status`: sources, processors, workers, replays, store and archive at one instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json
from ingest.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.cli.wiring import Pipeline

app = App()
Watch = Annotated[
    bool, Option("--watch", help="Show it anew whenever it changes, until stopped.", show_default=False)
]
Check = Annotated[
    bool,
    Option(
        "--check",
        help="Only say what is dead, stale or unhealthy; exit 3 if anything is.",
        show_default=False,
    ),
]


@app.command()
def status(ctx: typer.Context, json: Json = False, watch: Watch = False, check: Check = False) -> int:
    """Sources, processors, workers, replays, store and archive now."""
    from ingest.cli import statuses, statusjson, statusview, wiring
    from ingest.cli.problems import problems

    if watch and check:
        raise UsageError("--check looks once", hint="leave out --watch")
    with wiring.opened(ctx.obj) as pipeline:
        if watch:
            return _watch(pipeline, as_json=json)
        found = statuses.gather(pipeline)
    if json:
        output.document(statusjson.as_json(found))
    elif check:
        _tell(problems(found), is_quiet=ctx.obj.quieter)
    else:
        output.show(*statusview.view(found))
    return 3 if check and problems(found) else 0


def _tell(found: Sequence[str], *, is_quiet: bool) -> None:
    """One line for each problem; where there is none, that all is well, or nothing."""
    if found:
        output.write("".join(f"{output.one_line(problem)}\n" for problem in found))
    elif not is_quiet:
        output.write("all is well\n")


def _watch(pipeline: Pipeline, *, as_json: bool) -> int:
    from ingest.cli import statuswatch

    (statuswatch.tell if as_json else statuswatch.draw)(pipeline)
    return 0
