"""`ingest replays`: replays and their reports."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Argument, Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import Json

app = App("List, show, pause, resume or cancel replays.")
Events = Annotated[
    bool, Option("--events", help="Event by event instead; with --json one a line.", show_default=False)
]
ReplayId = Annotated[
    str,
    Argument(
        metavar="REPLAY",
        help="The replay's id, or the beginning of it.",
        autocompletion=completing.replays,
        show_default=False,
    ),
]


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> int:
    """Every replay, oldest first."""
    from ingest.cli import replayview, shapes, wiring
    from ingest.store import replays

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        found = replays.reports(tx)
    if json:
        output.lines(shapes.replay(report) for report in found)
    elif found:
        output.show(replayview.listed(found))
    else:
        output.say_none("replay")
    return 0


@app.command()
def show(ctx: typer.Context, replay: ReplayId, events: Events = False, json: Json = False) -> int:
    """One replay: its set, who wanted it and why, and what came of it or, of a shadow, what would."""
    from ingest.cli import replayview, wiring
    from ingest.cli.selecting import replay_id
    from ingest.store.reading.replayed import replayed

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        shown = replayview.read(tx, replay_id(tx, replay))
        if events:
            is_shadow = shown.report.mode == "shadow"
            found = replayed(tx, shown.report.generation_id)
            if json:
                output.lines(replayview.event_as_json(event, is_shadow=is_shadow) for event in found)
            else:
                output.write("".join(replayview.events(found, is_shadow=is_shadow)))
            return 0
    output.document(replayview.as_json(shown)) if json else output.show(*replayview.view(shown))
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
    from ingest.cli.selecting import replay_id
    from ingest.store import replays

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.write() as tx:
        replay = replay_id(tx, replay)
        if verb == "cancel":
            replays.cancel(tx, replay, now=pipeline.store.now())
        else:
            (replays.pause if verb == "pause" else replays.resume)(tx, replay)
        [report] = replays.reports(tx, replay)
    output.document(shapes.replay(report)) if as_json else output.write(f"{report.id} is {report.state}\n")
    return 0
