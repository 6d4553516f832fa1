"""`ingest schema`: what events promise to look like, and whether the promise is kept."""

from __future__ import annotations

import json as json_format
from typing import Annotated

import typer
from typer import Argument, Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import Json, ProcessorsDir

app = App("Published schemas of events: list, show, check, draft, release.")
Name = Annotated[
    str,
    Argument(
        metavar="NAME",
        help="A type, its name without a version, or a URN.",
        show_default=False,
        autocompletion=completing.types,
    ),
]
OwnTypes = Annotated[
    list[str] | None,
    Argument(
        metavar="[TYPE]...", help="Facts of your own; else all that have no schema.", show_default=False
    ),
]
Stored = Annotated[bool, Option("--events", help="Read every stored event too.", show_default=False)]

_COLUMNS = {"events": "#events", "upcast_to": "upcast to"}


@app.command("list")
def list_(ctx: typer.Context, processors: ProcessorsDir = None, json: Json = False) -> int:
    """Every version of every published schema, and how many events of its type stand in the log."""
    from ingest.cli import published

    with output.printing_aside():
        found = list(published.listed(published.known(ctx.obj, processors)))
    if json:
        output.lines(found)
    else:
        keys = ["type", "version", "origin", "state", "events"]
        keys += ["upcast_to"] if any(line["upcast_to"] for line in found) else []
        columns = [_COLUMNS.get(key, key) for key in keys]
        output.show(output.table("", columns, [[line[key] for key in keys] for line in found]))
    return 0


@app.command()
def show(
    ctx: typer.Context,
    name: Name,
    processors: ProcessorsDir = None,
    json: Json = False,  # noqa: ARG001  # it is JSON either way
) -> int:
    """One JSON Schema: the newest version that NAME names."""
    from ingest.cli import published

    with output.printing_aside():
        found = published.document(published.known(ctx.obj, processors), name)
    output.write(json_format.dumps(found, indent=2) + "\n")
    return 0


@app.command()
def check(
    ctx: typer.Context, processors: ProcessorsDir = None, stored: Stored = False, json: Json = False
) -> int:
    """Hold schemas against classes, releases, upcasters and subscriptions; exit code 3 where they differ."""
    from ingest.cli import published

    with output.printing_aside():
        known = published.known(ctx.obj, processors)
        said = published.problems(known)
        count, unreadable = published.unreadable(known) if stored else (None, [])
    if json:
        output.document(
            {"schemas": len(known.classes), "events_read": count, "problems": said, "unreadable": unreadable}
        )
    else:
        _tell([*said, *unreadable], len(known.classes), count)
    output.flush()
    published.refuse(unreadable)
    return 3 if said else 0


@app.command()
def draft(
    ctx: typer.Context, types: OwnTypes = None, processors: ProcessorsDir = None, json: Json = False
) -> int:
    """Write the schema of facts of your own, as much of it as their classes say; nothing is overwritten."""
    from ingest import schemas
    from ingest.cli import published

    with output.printing_aside():
        chosen = published.chosen(published.known(ctx.obj, processors), types or [])
    written = [str(schemas.draft(cls)) for cls in chosen]
    _files(written, "written", as_json=json)
    return 0


@app.command()
def release(ctx: typer.Context, processors: ProcessorsDir = None, json: Json = False) -> int:
    """Freeze every schema of facts of your own: from now on `check` refuses that it changes."""
    from ingest import schemas
    from ingest.cli import published

    with output.printing_aside():
        own = published.known(ctx.obj, processors).own
        said = schemas.problems(own)
    if said:
        output.complain("\n".join(said), is_block=True)
        return 3
    folders = dict.fromkeys(schemas.folder_of(cls) for cls in own)
    frozen = [str(path) for folder in folders for path in schemas.release(folder)]
    _files(frozen, "frozen", as_json=json)
    return 0


def _files(paths: list[str], what: str, *, as_json: bool) -> None:
    if as_json:
        output.document({what: paths})
        return
    lines = [f"{what}: {path}" for path in paths] or [f"nothing is left to be {what}"]
    output.write("".join(output.one_line(line) + "\n" for line in lines))


def _tell(said: list[str], classes: int, count: int | None) -> None:
    from ingest.cli.words import so_many

    for line in said:
        output.write(output.one_line(line) + "\n")
    if not said:
        read = "" if count is None else f", {so_many(count, 'event')} read"
        output.write(f"{so_many(classes, 'fact')}: schemas, classes and upcasters agree{read}\n")
