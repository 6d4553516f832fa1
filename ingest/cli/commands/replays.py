"""`ingest replays`: replays and their reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json

if TYPE_CHECKING:
    from rich.table import Table

    from ingest.store.replays import Report

app = App("List, show, pause, resume or cancel replays.")
ReplayId = Annotated[str, Argument(metavar="REPLAY", help="The replay's id.", show_default=False)]


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> int:
    """Every replay, oldest first."""
    from ingest.cli import shapes, wiring
    from ingest.store import replays

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        found = replays.reports(tx)
    if json:
        output.lines(shapes.replay(report) for report in found)
    else:
        output.show(_table(found))
    return 0


@app.command()
def show(ctx: typer.Context, replay: ReplayId, json: Json = False) -> int:
    """One replay: its set, who wanted it and why, and what came of it."""
    from ingest.cli import shapes, wiring
    from ingest.store import replays

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        [report] = replays.reports(tx, replay)
    found = shapes.replay_in_full(report)
    output.document(found) if json else output.show(output.facts(found.items()))
    return 0


@app.command()
def pause(ctx: typer.Context, replay: ReplayId, json: Json = False) -> int:
    """Stop making and working deliveries of a replay; what runs is finished."""
    return _move(ctx, replay, "pause", as_json=json)


@app.command()
def resume(ctx: typer.Context, replay: ReplayId, json: Json = False) -> int:
    """Let a paused replay go on where it was."""
    return _move(ctx, replay, "resume", as_json=json)


@app.command()
def cancel(ctx: typer.Context, replay: ReplayId, json: Json = False) -> int:
    """Give up what a replay has not begun; what it did stands."""
    return _move(ctx, replay, "cancel", as_json=json)


def _move(ctx: typer.Context, replay: str, verb: str, *, as_json: bool) -> int:
    from ingest.cli import shapes, wiring
    from ingest.store import replays

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.write() as tx:
        if verb == "cancel":
            replays.cancel(tx, replay, now=wiring.now())
        else:
            (replays.pause if verb == "pause" else replays.resume)(tx, replay)
        [report] = replays.reports(tx, replay)
    output.document(shapes.replay(report)) if as_json else output.write(f"{report.id} is {report.state}\n")
    return 0


def _table(found: list[Report]) -> Table:
    columns = (
        "replay",
        "processor",
        "state",
        "#total",
        "#done",
        "#unchanged",
        "#repaired",
        "#changed",
        "#dead",
    )
    return output.table(
        "",
        columns,
        [
            (r.id, r.processor, r.state, r.total, r.done, r.unchanged, r.repaired, r.changed, r.dead)
            for r in found
        ],
    )
