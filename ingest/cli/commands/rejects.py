"""`ingest rejects`: rows that were refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import Json, Processor

if TYPE_CHECKING:
    from ingest.cli.wiring import Pipeline
    from ingest.store.reading.refused import Refused

app = App("Rows that were refused: list, export.")
OfEvent = Annotated[
    str | None,
    Option(
        "--event",
        metavar="ID",
        help="Of this event, by id or the beginning of it.",
        autocompletion=completing.events,
        show_default=False,
    ),
]
To = Annotated[
    Path | None, Option("-o", "--output", metavar="FILE", help="Instead of stdout.", show_default=False)
]
Raw = Annotated[
    bool,
    Option(
        "--raw",
        help="Cells as they are, also those a spreadsheet would run as a formula.",
        show_default=False,
    ),
]


@app.command("list")
def list_(ctx: typer.Context, event: OfEvent = None, processor: Processor = None, json: Json = False) -> int:
    """Refused rows, with line, column and rule."""
    from ingest.cli import shapes, wiring

    with wiring.opened(ctx.obj) as pipeline:
        found = _refused(pipeline, event, processor)
        if json:
            output.lines(map(shapes.refused, found))
        elif not _show(found):
            output.say_none("refused row", is_narrowed=event is not None or processor is not None)
    return 0


@app.command()
def export(
    ctx: typer.Context, event: OfEvent = None, processor: Processor = None, to: To = None, raw: Raw = False
) -> int:
    """Refused rows as CSV, for whoever sent them."""
    from ingest.cli import spreadsheet, wiring

    with wiring.opened(ctx.obj) as pipeline:
        spreadsheet.export(_refused(pipeline, event, processor), to=to, is_raw=raw)
    return 0


def _refused(pipeline: Pipeline, event: str | None, processor: str | None) -> Iterator[Refused]:
    from ingest.cli.wiring import now
    from ingest.store import subscriptions
    from ingest.store.reading import browsing, refused

    if event is not None:
        with pipeline.store.read() as tx:
            event = browsing.event(tx, event, now=now()).id
    if processor is not None:
        with pipeline.store.read() as tx:
            if not refused.has_any(tx, processor):
                subscriptions.find(tx, processor)  # or there is none of this name
    return refused.refused(pipeline.store, event_id=event, processor=processor)


def _show(found: Iterator[Refused]) -> int:
    """Every row on a line of its own; how many there were."""
    count = 0
    for count, row in enumerate(found, start=1):  # noqa: B007  # the last one counts
        line = "" if row.line is None else f" line {row.line}"
        column = "" if row.column is None else f" {row.column}"
        output.write(
            output.one_line(f"{row.event_id[:12]} {row.processor}{line}{column}: {row.rule}: {row.raw}")
            + "\n"
        )
    return count
