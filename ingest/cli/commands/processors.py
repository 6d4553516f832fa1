"""`ingest processors`: who is subscribed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import DryRun, Json, ProcessorName, ProcessorsDir, Yes
from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.store.reading.roster import Subscribed

STARTS = ("beginning", "now")

app = App("Subscriptions: list, show, pause, resume, add, remove.")
From = Annotated[
    str | None,
    Option(
        "--from",
        metavar="beginning|now",
        autocompletion=completing.one_of(*STARTS),
        help="Whether it is given what happened before.",
        show_default=False,
    ),
]


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> int:
    """Every subscribed processor."""
    from ingest.cli import shapes, wiring
    from ingest.store.reading import roster

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        found = roster.everyone(tx)
    if json:
        output.lines(map(shapes.subscribed, found))
    elif not found:
        output.say_none("processor yet: `ingest work` subscribes those of ingest.toml")
    else:
        rows = [
            (each.name, each.version, each.state, ", ".join(each.accepts), ", ".join(each.sources) or "all")
            for each in found
        ]
        output.show(output.table("", ("processor", "version", "state", "accepts", "sources"), rows))
    return 0


@app.command()
def show(ctx: typer.Context, name: ProcessorName, json: Json = False) -> int:
    """One processor: what it reacts to, and by which rules."""
    from ingest.cli import shapes, wiring
    from ingest.store.reading import roster

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        found = roster.one(tx, name)
    output.document(shapes.subscribed(found)) if json else _show(found)
    return 0


@app.command()
def pause(ctx: typer.Context, name: ProcessorName, json: Json = False) -> int:
    """Give a processor nothing more to do but replays; what is due for it is kept."""
    return _set_state(ctx, name, "paused", as_json=json)


@app.command()
def resume(ctx: typer.Context, name: ProcessorName, json: Json = False) -> int:
    """Let a paused processor go on."""
    return _set_state(ctx, name, "active", as_json=json)


@app.command()
def add(
    ctx: typer.Context,
    name: ProcessorName,
    start: From = None,
    processors: ProcessorsDir = None,
    json: Json = False,
) -> int:
    """Subscribe a processor of ingest.toml now, rather than when `work` starts."""
    from ingest.cli import shapes, wiring
    from ingest.store.reading import roster
    from ingest.work import enrol
    from ingest.work.asking import ask_now

    if start is not None and start not in STARTS:
        raise UsageError(f"--from {start!r} is not known", hint=f"it is one of {', '.join(STARTS)}")
    with wiring.opened(ctx.obj, {"processor.start": start}) as pipeline:
        chosen = enrol.chosen(pipeline.settings, [name])
        local, limit = pipeline.processors_dir(processors), pipeline.settings.work.start_timeout
        declared = ask_now(chosen, local=local, limit=limit)
        with pipeline.store.write() as tx:
            enrol.enrol(tx, [(each, declared[each.name]) for each in chosen], now=pipeline.store.now())
        with pipeline.store.read() as tx:
            found = roster.one(tx, name)
    output.document(shapes.subscribed(found)) if json else _show(found)
    return 0


@app.command()
def remove(
    ctx: typer.Context, name: ProcessorName, dry_run: DryRun = False, yes: Yes = False, json: Json = False
) -> int:
    """Unsubscribe a processor; its outcomes, rows and effects stay."""
    from ingest.cli import asking, shapes, wiring
    from ingest.store import subscriptions
    from ingest.store.reading import roster

    with wiring.opened(ctx.obj) as pipeline:
        with pipeline.store.read() as tx:
            found = roster.one(tx, name)
        if any(each.name == name for each in pipeline.settings.processors):
            raise UsageError(f"ingest.toml names the processor {name}", hint="take it out of there first")
        if not dry_run:
            asking.confirm(f"remove the processor {name} and all that is due for it", is_sure=yes)
            with pipeline.store.write() as tx:
                subscriptions.remove(tx, name, now=pipeline.store.now())
    output.document(shapes.subscribed(found)) if json else _show(found)
    return 0


def _set_state(ctx: typer.Context, name: str, state: str, *, as_json: bool) -> int:
    from ingest.cli import shapes, wiring
    from ingest.store import subscriptions
    from ingest.store.reading import roster

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.write() as tx:
        subscriptions.set_state(tx, name, state, now=pipeline.store.now())
        found = roster.one(tx, name)
    output.document(shapes.subscribed(found)) if as_json else output.write(f"{name} is {state}\n")
    return 0


def _show(found: Subscribed) -> None:
    from ingest.cli import shapes

    pairs = shapes.subscribed(found)
    pairs["sources"] = ", ".join(found.sources) or "all"
    pairs["accepts"] = ", ".join(found.accepts)
    output.show(output.facts(pairs.items()))
