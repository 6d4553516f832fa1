"""`ingest config`: the settings that hold."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING

import typer

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import Json, ProcessorsDir

if TYPE_CHECKING:
    from ingest.config import Settings, Shown

app = App("The settings that hold, and where each comes from.")


@app.command()
def show(ctx: typer.Context, json: Json = False) -> int:
    """Every value and where it came from: flag, environment, file or default; secrets masked."""
    from ingest.cli import wiring
    from ingest.config import describe

    held = wiring.settings(ctx.obj)
    shown = describe(held)
    output.document(_as_json(held, shown)) if json else _print(held, shown)
    return 0


@app.command()
def check(ctx: typer.Context, processors: ProcessorsDir = None, json: Json = False) -> int:
    """Read the settings, let every processor check its options; exit code 3 for one that waits in vain."""
    from ingest.cli import published, wiring
    from ingest.cli.words import so_many
    from ingest.work.asking import ask_now

    held = wiring.settings(ctx.obj)
    wiring.warn_of_secrets(held)
    local = wiring.processors_dir(held, processors)
    declared = ask_now(held.processors, local=local, limit=held.work.start_timeout)
    found = {each.name: declared[each.name].origin for each in held.processors}
    said: list[str] = []
    if any(each.accepts for each in held.processors):
        with output.printing_aside():
            said = published.unstated(published.known(ctx.obj, processors))
    if json:
        sources = [source.name for source in held.sources]
        output.document({"file": str(held.file), "sources": sources, "processors": found, "problems": said})
    else:
        counted = f"{so_many(len(held.sources), 'source')}, {so_many(len(found), 'processor')}"
        for line in said or [f"{held.file} is good: {counted}"]:
            output.write(output.one_line(line) + "\n")
    return 3 if said else 0


@app.command()
def schema(json: Json = False) -> int:  # noqa: ARG001  # it is JSON either way
    """The JSON Schema of ingest.toml, for editors."""
    from ingest.config import json_schema

    output.write(json_format.dumps(json_schema(), indent=2) + "\n")
    return 0


def _as_json(held: Settings, shown: tuple[Shown, ...]) -> dict[str, object]:
    values = [{"key": each.key, "value": each.value, "origin": each.origin} for each in shown]
    return {"file": str(held.file), "values": values}


def _print(held: Settings, shown: tuple[Shown, ...]) -> None:
    from ingest.domain.showing import show as escaped

    output.write(f"# {escaped(str(held.file))}\n")
    for each in shown:
        value = json_format.dumps(each.value, ensure_ascii=False)
        output.write(output.one_line(f"{each.key} = {value}  # {each.origin}") + "\n")
