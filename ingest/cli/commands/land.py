"""`ingest land`: land a file by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import Json, Reason

if TYPE_CHECKING:
    from ingest.watch.landing.by_hand import Answer

app = App()
File = Annotated[
    Path, Argument(metavar="FILE", help="The file, wherever it lies; it stays there.", show_default=False)
]
Into = Annotated[
    str,
    Option(
        "--source",
        metavar="NAME",
        help="The source it lands in.",
        autocompletion=completing.sources,
        show_default=False,
    ),
]
As = Annotated[
    str | None,
    Option("--as", metavar="PATH", help="Its path there, instead of its name.", show_default=False),
]


@app.command()
def land(
    ctx: typer.Context, file: File, source: Into, as_: As = None, reason: Reason = "", json: Json = False
) -> int:
    """Land a file by hand through the same step, also one that equals what stands."""
    from ingest.cli import wiring
    from ingest.watch.landing.by_hand import Request, land_by_hand

    request = Request(file=file, source=source, path=as_, reason=reason)
    with wiring.opened(ctx.obj) as pipeline:
        store, archive = pipeline.store, pipeline.archive
        answer = land_by_hand(store, archive, pipeline.settings, request, now=store.now())
    output.document(_as_json(answer)) if json else output.write(f"{_in_words(answer)}\n")
    return 0 if answer.standing is not None else 3


def _as_json(answer: Answer) -> dict[str, Any]:
    from ingest.cli import shapes

    standing = answer.standing
    return {
        "source": answer.source,
        **shapes.name("path", answer.path),
        "state": "refused" if standing is None else "landed",
        "size": answer.size,
        "event_id": None if standing is None else standing.event_id,
        "version": None if standing is None else standing.version,
        "sha256": None if standing is None else standing.sha256,
        "reason": answer.said or None,
    }


def _in_words(answer: Answer) -> str:
    from ingest.domain.showing import show

    place = f"{answer.source}: {show(answer.path)}"
    if answer.standing is None:
        return f"{place}  refused: {answer.said}"
    return f"{place}  landed as version {answer.standing.version}, event {answer.standing.event_id}"
