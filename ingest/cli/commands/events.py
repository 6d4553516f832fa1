"""`ingest events`: browse, follow and prove the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import (
    LARGEST,
    First,
    Ids,
    Json,
    Key,
    Last,
    Limit,
    Processor,
    Since,
    Source,
    Status,
    Types,
    Until,
)

if TYPE_CHECKING:
    from ingest.cli.wiring import Pipeline
    from ingest.store.reading.browsing import Listed
    from ingest.store.selection import Selection

FOLLOW_EVERY = 0.25  # seconds

app = App("Browse, follow and prove the log.")
After = Annotated[int, Option(metavar="POS", min=0, max=LARGEST, help="Only events above this position.")]
Follow = Annotated[
    bool, Option("-f", "--follow", help="Go on with new events, until stopped.", show_default=False)
]
Count = Annotated[
    int, Option("-n", "--lines", metavar="N", min=0, max=LARGEST, help="How many of the newest.")
]
Meant = Annotated[
    str,
    Argument(
        metavar="ID|POS",
        help="An event's id, the beginning of it, or its position.",
        autocompletion=completing.events,
    ),
]
NoArchive = Annotated[
    bool, Option("--no-archive", help="Do not hash the archived bytes again.", show_default=False)
]


@app.command("list")
def list_(
    ctx: typer.Context,
    ids: Ids = None,
    source: Source = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    first: First = None,
    last: Last = None,
    status: Status = None,
    types: Types = None,
    processor: Processor = None,
    limit: Limit = None,
    after: After = 0,
    json: Json = False,
) -> int:
    """Events in position order, with the state of each delivery."""
    from ingest.cli import wiring
    from ingest.cli.selecting import selection

    with wiring.opened(ctx.obj) as pipeline:
        wanted = selection(
            pipeline,
            ids=ids,
            source=source,
            key=key,
            types=types,
            since=since,
            until=until,
            first=first,
            last=last,
            status=status,
        )
        last_printed = _print(
            _pages(pipeline, wanted, processor=processor, after=after, limit=limit), as_json=json
        )
    if not last_printed and not json:
        output.say_none("event", is_narrowed=wanted.is_narrowed or processor is not None or after > 0)
    return 0


@app.command()
def show(ctx: typer.Context, event: Meant, json: Json = False) -> int:
    """One event, whole."""
    from ingest.cli import shapes, wiring
    from ingest.store.reading import browsing

    with wiring.opened(ctx.obj) as pipeline, pipeline.store.read() as tx:
        found = browsing.event(tx, event, now=pipeline.store.now())
    output.document(shapes.event(found)) if json else _show_one(found)
    return 0


@app.command()
def tail(
    ctx: typer.Context, count: Count = 10, follow: Follow = False, types: Types = None, json: Json = False
) -> int:
    """The newest events; with -f also those to come."""
    from ingest.cli import wiring
    from ingest.cli.selecting import selection
    from ingest.store.reading import browsing

    with wiring.opened(ctx.obj) as pipeline:
        with pipeline.store.read() as tx:
            after = browsing.newest(tx, count)
        wanted = selection(pipeline, types=types)
        if follow:
            return _follow(pipeline, wanted, after=after, as_json=json)
        last_printed = _print(_pages(pipeline, wanted, after=after), as_json=json)
    if not last_printed and not json:
        output.say_none("event", is_narrowed=after > 0 or wanted.is_narrowed)
    return 0


@app.command()
def verify(ctx: typer.Context, no_archive: NoArchive = False, json: Json = False) -> int:
    """Prove the log: every chain is walked, and the archived bytes are hashed again."""
    from ingest.cli import proofview, wiring

    with wiring.opened(ctx.obj) as pipeline:
        proof = proofview.prove(pipeline, with_archive=not no_archive)
    output.document(proofview.as_json(proof)) if json else output.show(*proofview.view(proof))
    if not proof.holds:
        output.flush()
        raise proofview.failure(proof)
    return 0


def _pages(
    pipeline: Pipeline,
    wanted: Selection,
    *,
    processor: str | None = None,
    after: int = 0,
    upto: int | None = None,
    limit: int | None = None,
) -> Iterator[Listed]:
    """The events that match, read page by page: nothing is held open while they are printed."""
    from ingest.cli.wiring import now
    from ingest.store.reading.browsing import PAGE, Window, page

    left = limit
    while left is None or left > 0:
        window = Window(after=after, upto=upto, limit=PAGE if left is None else min(PAGE, left))
        with pipeline.store.read() as tx:
            found = page(tx, wanted, window, processor=processor, now=now())
        yield from found
        if len(found) < window.limit:
            return
        after, left = found[-1].position, None if left is None else left - len(found)


def _print(events: Iterator[Listed], *, as_json: bool) -> int:
    """Every event on a line of its own; the last position."""
    from ingest.cli import shapes

    position = 0
    for event in events:
        position = event.position
        if as_json:
            output.document(shapes.event(event))
        else:
            output.write(_line(event) + "\n")
    return position


def _follow(pipeline: Pipeline, wanted: Selection, *, after: int, as_json: bool) -> int:
    from contextlib import closing

    from ingest.cli.signals import stopping
    from ingest.store.reading.browsing import settled

    with stopping(leave_at=2, is_last=True) as stop, closing(pipeline.store.changes()) as changes:
        while not stop.is_set():
            if changes.has_moved():
                found = _pages(pipeline, wanted, after=after, upto=settled(pipeline.store))
                after = _print(found, as_json=as_json) or after
                output.flush()
            output.is_unheard()
            stop.wait(FOLLOW_EVERY)
    return 0


def _line(event: Listed) -> str:
    from ingest.domain.showing import show as shown

    states = " ".join(f"{name}={state}" for name, state in event.deliveries.items())
    gone = f"  retired by run {event.retired}" if event.retired else ""
    at = event.time.strftime("%Y-%m-%dT%H:%M:%SZ")
    what = f"{event.id[:12]}  {event.type}  {shown(event.key)}"
    return output.one_line(f"{event.position:>7}  {at}  {what}  {states}{gone}".rstrip())


def _show_one(event: Listed) -> None:
    import json

    from ingest.cli import shapes

    envelope = shapes.cloud_event(event)
    retired = [("retired", f"by run {event.retired}")] if event.retired else []
    output.show(
        output.facts(
            [("position", event.position), *retired, *((f"  {k}", v) for k, v in event.deliveries.items())]
        )
    )
    output.write(json.dumps(envelope, indent=2) + "\n")
