"""Trying a processor: found, run on a file, and what it handed over shaped for machines and for people."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest import registry
from ingest.cli import output, wiring
from ingest.cli.words import so_many
from ingest.config import ProcessorSettings, Settings, database_file
from ingest.contract import Table
from ingest.domain.calls import Intent
from ingest.domain.codec import envelope
from ingest.domain.events import FileLanded
from ingest.domain.showing import show
from ingest.errors import UsageError
from ingest.store import booked, booking
from ingest.store.engine import open_store
from ingest.store.foreign import own_inodes
from ingest.work import trial
from ingest.work.context import Reader
from ingest.work.trial import Subject, Tried

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHOWN = 20  # rows of each kind that are shown to people
_MOST = 1000  # rows of each kind in the JSON document


def run(held: Settings, name: str, file: Path, *, local: Path) -> Tried:
    """What the processor `name` of ingest.toml, or one by its `use`, makes of `file`."""
    chosen = _chosen(held, name)
    found = registry.find(chosen.use, local=local).processor
    accepts = chosen.accepts or found.accepts
    takes_files = FileLanded.type in accepts
    subject = _subject(held, file, now=wiring.now()) if takes_files else trial.emitted(file)
    return trial.try_out(subject, found, chosen, select=_reader(held), clock=wiring.now)


def as_json(tried: Tried) -> dict[str, Any]:
    """The document of `try --json`; the counts are whole, the lists are cut off where they get long."""
    rows = [
        {"table": table, "values": values, "fact": fact} for table, values, fact in _some(tried.rows(), _MOST)
    ]
    refused = [
        {"line": line, "column": column, "rule": rule, "raw": raw}
        for line, column, rule, raw in _some(tried.rejects(), _MOST)
    ]
    return {
        "verdict": tried.verdict,
        "error": tried.error,
        "event": envelope(tried.event),
        "rows_in": tried.handover.rows_in,
        "rows_rejected": tried.handover.rejected,
        "facts_emitted": tried.handover.facts,
        "rows": rows,
        "facts": list(_some(tried.facts(), _MOST)),
        "rejects": refused,
        "calls_registered": len(tried.handover.calls),
        "calls": [_call(intent) for intent in _some(tried.calls(), _MOST)],
    }


def view(tried: Tried) -> Iterator[RenderableType]:
    """What is printed."""
    from rich.text import Text

    # One list after the other: each is read from the beginning of what may lie in one file.
    handed = list(_some(tried.rows(), _SHOWN))
    for table, values, _ in handed:
        row = "  ".join(f"{name}={show(str(value))}" for name, value in values.items())
        yield Text.assemble((f"{table}  ", "bold"), row)
    facts = [
        (fact["type"], show(fact["partitionkey"]), show(fact["subject"]))
        for fact in _some(tried.facts(), _SHOWN)
    ]
    if facts:
        yield output.table("facts", ("type", "key", "name"), facts)
    refused = list(_some(tried.rejects(), _SHOWN))
    if refused:
        yield output.table("rejects", ("#line", "column", "rule", "raw"), refused)
    calls = [(show(c.name), c.function, output.one_line(c.request)) for c in _some(tried.calls(), _SHOWN)]
    if calls:
        yield output.table("calls", ("name", "function", "request"), calls)
    handover = tried.handover
    said = f"{so_many(handover.rows_in, 'row')} in, {handover.rejected} rejected"
    said += f", {so_many(handover.facts, 'fact')}"
    said += f", {so_many(len(handover.calls), 'call')}" if handover.calls else ""
    style = "green" if tried.verdict == "done" else "bold red"
    error = "" if tried.error is None else f" — {output.one_line(tried.error)}"
    yield Text(f"{tried.verdict}: {said}; nothing was applied{error}", style=style)


def _call(intent: Intent) -> dict[str, Any]:
    return {
        "name": intent.name,
        "function": intent.function,
        "repeatable": intent.is_repeatable,
        "request": intent.value(),
        "request_sha256": intent.digest,
    }


def _chosen(held: Settings, name: str) -> ProcessorSettings:
    """The processor of ingest.toml, or one with default settings where `name` is a `use`."""
    known = {each.name: each for each in held.processors}
    if ":" in name and name not in known:
        return ProcessorSettings(name=name.rpartition(":")[2], use=name)
    return held.processor(name)


def _subject(held: Settings, file: Path, *, now: datetime) -> Subject:
    """As the source would land it in whose directory `file` lies; else as of a source called `try`."""
    absolute = Path(os.path.abspath(file))  # noqa: PTH100  # a link is not resolved
    with suppress(OSError):
        there = file.stat()
        if (there.st_dev, there.st_ino) in own_inodes(database_file(held.store)):
            raise UsageError(
                f"{show(str(file))} is part of the database of this store",
                hint="try the processor on a file that a partner could send",
            )
    for source in held.sources:
        if absolute.is_relative_to(source.path):
            path = os.fsencode(absolute.relative_to(source.path))
            return trial.landed(file, source=source.name, path=path, encoding=source.encoding, now=now)
    return trial.landed(file, source="try", path=os.fsencode(file.name), encoding="utf-8", now=now)


def _reader(held: Settings) -> Reader:
    """`ctx.select` reads what stands committed: nothing, where there is no store or no such table yet."""

    def read(table: Table, equal: dict[str, Any]) -> list[dict[str, Any]]:
        if not database_file(held.store).exists():
            return []
        with open_store(held.store.url) as store, store.read() as tx:
            return booking.select_rows(tx, table, equal) if booked.stands(tx, table.name) else []

    return read


def _some(items: Iterator[Any], most: int) -> Iterator[Any]:
    return itertools.islice(items, most)
