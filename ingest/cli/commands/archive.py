"""`ingest archive`: the original bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from typer import Argument, Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import Json
from ingest.errors import NotFound, UsageError

if TYPE_CHECKING:
    from ingest.cli.wiring import Pipeline
    from ingest.store.engine import Tx
    from ingest.store.reading.browsing import Listed

CHUNK = 1 << 20  # bytes
_DIGEST = re.compile("[0-9a-f]{64}")

app = App("Get original bytes back; verify that they still are.")
Meant = Annotated[
    str,
    Argument(
        metavar="SHA256|ID",
        help="A content's digest, or an event.",
        autocompletion=completing.events,
        show_default=False,
    ),
]
To = Annotated[
    Path | None, Option("-o", "--output", metavar="FILE", help="Instead of stdout.", show_default=False)
]
Subset = Annotated[str, Option(metavar="N/M", help="Only part N of M, cut by digest.")]


@app.command()
def get(ctx: typer.Context, meant: Meant, to: To = None) -> int:
    """The bytes as they were received, hashed again before they are handed out."""
    from ingest.cli import wiring

    with wiring.opened(ctx.obj) as pipeline, _opened(pipeline, meant) as file:
        if to is None:
            while chunk := file.read(CHUNK):
                output.write_bytes(chunk)
        else:
            with output.new_file(to) as target:
                while chunk := file.read(CHUNK):
                    target.write(chunk)
    return 0


@app.command()
def verify(ctx: typer.Context, subset: Subset = "1/1", json: Json = False) -> int:
    """Hash everything again; list what is missing or damaged, and what lies there without reason."""
    from ingest.cli import proofview, wiring

    part = _part(subset)
    with wiring.opened(ctx.obj) as pipeline:
        report = proofview.prove_archive(pipeline, part)
    output.document(proofview.archive_as_json(report)) if json else output.show(
        *proofview.archive_view(report)
    )
    if not report.is_sound:
        output.flush()
        raise proofview.archive_failure(report)
    return 0


def _opened(pipeline: Pipeline, meant: str) -> BinaryIO:
    """The content or the member of a container with the digest that is meant, or what the event is about."""
    from ingest.archive.extracts import bytes_of
    from ingest.store import contents
    from ingest.store.reading import members

    with pipeline.store.read() as tx:
        content = contents.find(tx, meant)
        event = None if content else _event(tx, meant)
        is_kept = content is not None and not content.retired
        member = None if is_kept or event else members.of_digest(tx, meant)
    if member is not None:
        return bytes_of(pipeline.store, member.event, pipeline.archive.open(member.content))
    if content is not None:
        return pipeline.archive.open(meant)
    if event is not None:
        return _behind(pipeline, event)
    raise NotFound(
        f"no content with the digest {meant} is kept here, and no event has this id",
        hint="see `ingest events list`; retention may have let it go",
    )


def _event(tx: Tx, meant: str) -> Listed | None:
    """The event that is meant; None where only a content can be, by its digest."""
    from ingest.cli.wiring import now
    from ingest.store.reading import browsing

    try:
        return browsing.event(tx, meant, now=now())
    except NotFound:
        if not _DIGEST.fullmatch(meant):
            raise
        return None


def _behind(pipeline: Pipeline, event: Listed) -> BinaryIO:
    """What the event is about."""
    from ingest.archive.extracts import bytes_of
    from ingest.domain.codec import decode

    if event.content is None:
        raise NotFound(f"no file stands at the root of event {event.id}", hint="see `ingest events show`")
    if event.retired and event.cause is not None:
        raise NotFound(
            f"event {event.id} was retired by run {event.retired}", hint="ask for the content by its digest"
        )
    file = pipeline.archive.open(event.content)
    return file if event.retired else bytes_of(pipeline.store, decode(event.body, event.keyseq), file)


def _part(subset: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", subset)
    if found is None:
        raise UsageError(f"--subset {subset!r} is not known", hint="write it as N/M, such as 1/10")
    return int(found[1]), int(found[2])
