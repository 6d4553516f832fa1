"""The life of a file, for machines and for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ingest.cli import output, shapes
from ingest.cli.words import age, so_many
from ingest.domain.events import FileExtracted
from ingest.domain.showing import show
from ingest.store.reading.browsing import Listed
from ingest.store.reading.history import Attempt, Called, Handling, Life
from ingest.store.sightings import Sighting
from ingest.trace import Traced

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.tree import Tree

SHORT = 12  # characters of an id that are shown to people


def as_json(traced: Traced) -> dict[str, Any]:
    """The document of `trace --json`."""
    return {
        "file": _file(traced),
        "sightings": [shapes.sighting(sighting) for sighting in traced.sightings],
        "events": [shapes.life(life) for life in traced.lives],
        "complete": traced.is_complete,
    }


def view(traced: Traced) -> Iterator[RenderableType]:
    """What is printed: what was seen, then each fact below its cause."""
    from rich.text import Text

    file = _file(traced)
    yield output.facts(
        [
            ("file", file["name"]),
            ("size", file["size"] and f"{file['size']:,} bytes"),
            ("sha256", file["sha256"]),
        ]
    )
    for sighting in traced.sightings:
        yield Text(f"seen      {_seen(sighting)}")
    branches: dict[str, Tree] = {}
    for life in traced.lives:
        above = branches.get(life.event.cause or "")
        branches[life.event.id] = _branch(life, above)
        if above is None:
            yield branches[life.event.id]
    if not traced.is_complete:
        yield Text("… there are more: --limit")


def _file(traced: Traced) -> dict[str, Any]:
    """The file at the root: its newest fact's name, content and size, or what was seen of it."""
    told = [life.event for life in reversed(traced.lives) if not life.event.retired]
    of_a_file = [event for event in told if event.cause is None]
    of_a_member = [event for event in told[::-1] if event.type == FileExtracted.type]
    for event in (*of_a_file, *of_a_member):
        data = json.loads(event.body)["data"]
        names = {name: data[name] for name in ("name", "name_b64") if name in data}
        return {**names, "name": show(data["name"]), "sha256": data.get("sha256"), "size": data.get("size")}
    for sighting in traced.sightings:
        name = shapes.name("name", sighting.path.rpartition(b"/")[2])
        return {**name, "sha256": None, "size": sighting.seen.size}
    return {"name": None, "sha256": traced.lives[0].event.content if traced.lives else None, "size": None}


def _seen(sighting: Sighting) -> str:
    where = f"{sighting.source}: {show(sighting.path)}"
    again = f", delivered again {sighting.redelivered}x" if sighting.redelivered else ""
    why = f" ({show(sighting.reason)})" if sighting.reason else ""
    return f"{where}  {sighting.state}{why} since {shapes.time(sighting.since)}{again}"


def _branch(life: Life, above: Tree | None) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    event = life.event
    label = Text.assemble(
        (event.type, "bold"),
        f"  {event.id[:SHORT]}  at {event.position}, {show(event.key)} #{event.keyseq}",
        f"  {shapes.time(event.time)}{_member(event)}",
    )
    branch = Tree(label) if above is None else above.add(label)
    if event.retired:
        branch.add(Text(f"retired by run {event.retired}", style="dim"))
    for handling in life.handlings:
        twig = branch.add(Text(_summary(handling)))
        for attempt in handling.attempts:
            twig.add(Text(_attempt(attempt), style="dim"))
        for call in handling.calls:
            twig.add(Text(_call(call), style="dim" if call.state == "made" else "yellow"))
    return branch


def _member(event: Listed) -> str:
    """Of a fact about a member, where it was found."""
    if event.type != FileExtracted.type or event.retired:
        return ""
    return f"  {show(json.loads(event.body)['data']['path'])}"


def _summary(handling: Handling) -> str:
    said = f"{handling.processor}: {handling.state}"
    if handling.outcome is not None and handling.outcome.rows_in:
        o = handling.outcome
        said += f", {so_many(o.rows_in, 'row')}: {o.rows_booked} booked"
        said += f", {o.rows_duplicate} duplicate, {o.rows_rejected} rejected"
    if handling.emitted:
        said += f", {so_many(len(handling.emitted), 'fact')}"
    if handling.error:
        said += f" — {handling.error}"
    if handling.outcome is not None and handling.outcome.note:
        said += f" — {handling.outcome.note}"
    return output.one_line(said)


def _call(call: Called) -> str:
    when = f"made {shapes.time(call.made_at)}" if call.made_at else f"{call.state}, no result yet"
    forced = f" by {call.replay}" if call.replay else ""
    result = f": {call.result}" if call.result else ""
    return output.one_line(f"call {call.name} {when}{forced}, key {call.key[:SHORT]}{result}")


def _attempt(attempt: Attempt) -> str:
    took = (
        ""
        if attempt.started_at is None
        else f" in {age((attempt.ended_at - attempt.started_at).total_seconds())}"
    )
    part = f" of {attempt.replay}" if attempt.replay else ""
    error = f": {attempt.error}" if attempt.error else ""
    return output.one_line(f"try {attempt.n}{part} {attempt.ended}{took} by {attempt.worker}{error}")
