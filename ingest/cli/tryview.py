"""Trying a processor: found, run, and what would come of it shaped for machines and for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ingest import registry
from ingest.cli import handedview, output, replayview, subjects, wiring
from ingest.cli.handedview import MOST, SHOWN
from ingest.cli.words import so_many
from ingest.config import ProcessorSettings, Settings
from ingest.domain.calls import Intent
from ingest.domain.codec import envelope
from ingest.domain.events import FileLanded
from ingest.domain.showing import show
from ingest.errors import NotFound, StoreMissing, UsageError
from ingest.store.engine import Store
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from ingest.work.trial import Tried, emitted, try_out

if TYPE_CHECKING:
    from rich.console import RenderableType


def run(held: Settings, name: str, file: Path, *, local: Path) -> Tried:
    """What the processor `name` of ingest.toml, or one by its `use`, makes of `file`."""
    chosen = _chosen(held, name)
    if file.is_dir():
        raise UsageError(f"{show(str(file))} is a folder", hint="name one of the files in it")
    found = registry.find(chosen.use, local=local).processor
    accepts = chosen.accepts or found.accepts
    with _store(held) as store:
        if FileLanded.type not in accepts:
            subject = emitted(file)
        else:
            with store.read() as tx:
                subject = subjects.of_file(tx, held, file, now=wiring.now())
        return try_out(subject, found, chosen, store=store, clock=wiring.now)


def as_json(tried: Tried) -> dict[str, Any]:
    """The document of `try --json`; the counts are whole, the lists are cut off where they get long."""
    return {
        "verdict": tried.verdict,
        "error": tried.error,
        "event": envelope(tried.event),
        "rows_in": tried.handover.rows_in,
        "rows_booked": tried.booked,
        "rows_duplicate": tried.duplicate,
        "rows_rejected": tried.rejected,
        "facts_emitted": tried.emitted,
        **handedview.as_json(tried.handover, tried.tables, tried.rejects()),
        "calls_registered": len(tried.handover.calls),
        "calls": [_call(intent) for intent in tried.handover.calls[:MOST]],
        "stands": tried.compared.stands.state,
        "differences": tried.compared.differences.as_plain(),
    }


def view(tried: Tried) -> Iterator[RenderableType]:
    """What is printed."""
    from rich.text import Text

    yield from handedview.view(tried.handover, tried.tables, tried.rejects())
    calls = [(show(c.name), c.function, output.one_line(c.request)) for c in tried.handover.calls[:SHOWN]]
    if calls:
        yield output.table("calls", ("name", "function", "request"), calls)
    if tried.compared.stands.was_done:
        yield from replayview.differing(tried.compared.differences)
    style = "green" if tried.verdict == "done" else "bold red"
    error = "" if tried.error is None else f" — {output.one_line(tried.error)}"
    yield Text(f"{tried.verdict}: {_in_words(tried)}; nothing was applied{error}", style=style)


def _in_words(tried: Tried) -> str:
    """As `trace` says what a delivery came to."""
    counts = [f"{tried.rejected} rejected"]
    if tried.verdict == "done":
        booked = [f"{tried.booked} booked", f"{tried.duplicate} duplicate"]
        counts = [*booked, *counts, so_many(tried.emitted, "fact")]
        if tried.handover.calls:
            counts.append(so_many(len(tried.handover.calls), "call"))
    return f"{so_many(tried.handover.rows_in, 'row')}: {', '.join(counts)}"


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
    try:
        return held.processor(name)
    except NotFound as error:
        raise NotFound(
            error.message, hint=f"{error.hint}; another is named by its `use`, as MODULE:{name}"
        ) from error


@contextmanager
def _store(held: Settings) -> Iterator[Store]:
    """The store as it stands; an empty one for the moment, where there is none."""
    try:
        store = open_store(held.store.url, held.store.local)
    except StoreMissing:
        with TemporaryDirectory(prefix="ingest-try-") as directory:
            url = f"sqlite:///{directory}/empty.db"
            create_or_upgrade(url)
            with open_store(url) as empty:
                yield empty
        return
    with store:
        yield store
