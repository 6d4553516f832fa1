"""Inspecting a file: what it is, who recognises it, and what would be made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.cli import handedview, output, subjects, wiring
from ingest.cli.words import so_many
from ingest.config import Settings
from ingest.config.kinds import ENCODING
from ingest.domain.showing import show
from ingest.errors import UsageError
from ingest.vetting import is_text, suggested_encoding, what_it_is
from ingest.work import inspecting
from ingest.work.inspecting import Inspected, Recognised
from ingest.work.trial import rejects_of

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is known of a file."""

    name: str
    size: int
    sha256: str
    kind: str  # what it is by its first bytes
    encoding: str  # declared
    is_text: bool  # False: no encoding is its own
    suggested: str  # "" where the declared one can be read, or nothing can be said
    recognised: list[Recognised]
    unlooked: list[UsageError]  # processors that could not be asked
    inspected: Inspected | None

    @property
    def is_taken(self) -> bool:
        """True where a processor would take the file under its own policy."""
        return self.inspected is not None and self.inspected.error is None


def run(held: Settings, file: Path, *, encoding: str | None, local: Path) -> Seen:
    """What can be said of `file`; raises `NotFound` where it cannot be read."""
    if file.is_dir():
        raise UsageError(f"{show(str(file))} is a folder", hint="name one of the files in it")
    subject = subjects.as_new(held, file, now=wiring.now())
    if encoding is not None:
        _check_encoding(encoding)
        data = {**subject.event.data, "encoding": encoding}
        subject = replace(subject, event=replace(subject.event, data=data))
    found, unlooked = inspecting.recognised(subject, held.processors, local=local)
    declared = str(subject.event.data["encoding"])
    with file.open("rb") as opened:
        kind = what_it_is(opened)
        can_be_text = is_text(opened, declared=declared)
        suggested = suggested_encoding(opened, declared=declared) if can_be_text else ""
    return Seen(
        name=str(subject.event.data["name"]),
        size=int(subject.event.data["size"]),
        sha256=str(subject.event.data["sha256"]),
        kind=kind,
        encoding=declared,
        is_text=can_be_text,
        suggested=suggested,
        recognised=found,
        unlooked=unlooked,
        inspected=inspecting.inspect(subject, found[0], clock=wiring.now) if found else None,
    )


def _check_encoding(encoding: str) -> None:
    try:
        ENCODING.read(encoding)
    except ValueError as error:
        raise UsageError(
            f"--encoding {encoding!r} is not known", hint="name one of text that Python knows, such as cp1252"
        ) from error


def as_json(seen: Seen) -> dict[str, Any]:
    """The document of `inspect --json`."""
    made = seen.inspected
    return {
        "file": {"name": seen.name, "size": seen.size, "sha256": seen.sha256},
        "kind": seen.kind,
        "encoding": {
            "declared": seen.encoding,
            "applies": seen.is_text,
            "suggested": seen.suggested or None,
        },
        "recognised": [
            {"processor": each.settings.name, "use": each.settings.use, "format": each.format}
            for each in seen.recognised
        ],
        "verdicts": None
        if made is None
        else {"parsed": made.parsed, "schema": made.schema or None, "arithmetic": made.arithmetic or None},
        "error": None if made is None else made.error,
        "findings": [
            {"where": where, "rule": rule, "message": message}
            for where, rule, message in (made.findings if made else ())
        ],
        "rows_in": made.handover.rows_in if made else 0,
        **(handedview.as_json(made.handover, made.tables, rejects_of(made.handover)) if made else _NOTHING),
    }


_NOTHING: dict[str, Any] = {"rows": [], "facts": [], "rejects": []}


def view(seen: Seen) -> Iterator[RenderableType]:
    """What is printed."""
    from rich.text import Text

    encoding = f"{seen.encoding}, as declared" if seen.is_text else "none: it is not text"
    if seen.suggested:
        encoding += f"; but it looks like {seen.suggested}"
    takers = [f"{each.format} by {each.settings.name}" for each in seen.recognised]
    pairs = [
        ("file", seen.name),
        ("size", f"{seen.size:,} bytes"),
        ("sha256", seen.sha256),
        ("kind", seen.kind),
        ("encoding", encoding),
        ("recognised", ", ".join(takers) or "no"),
    ]
    made = seen.inspected
    if made is not None:
        pairs += [("parsed", made.parsed), ("schema", made.schema), ("arithmetic", made.arithmetic)]
    yield output.facts([(name, value) for name, value in pairs if value])
    for error in seen.unlooked:
        yield Text(f"not looked at: {output.one_line(str(error))}", style="yellow")
    if made is None:
        yield Text(
            "no processor recognises it: declare one for its source, with its options", style="bold red"
        )
        return
    yield from handedview.view(made.handover, made.tables, rejects_of(made.handover))
    if made.findings:
        yield output.table("findings", ("place", "rule", "what was found"), made.findings)
    if made.error is None:
        yield Text(f"{made.by.settings.name} would take it: {_in_words(made)}", style="green")
    else:
        yield Text(
            f"{made.by.settings.name} would refuse it: {output.one_line(made.error)}", style="bold red"
        )


def _in_words(made: Inspected) -> str:
    rejected, facts = made.handover.rejected, made.handover.facts
    return f"{so_many(made.handover.rows_in, 'row')}, {rejected} rejected, {so_many(facts, 'fact')}"
