"""Looking at a content before it is landed: who recognises it, and what would be made of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest import registry
from ingest.config import ProcessorSettings
from ingest.contract import Processor
from ingest.domain.events import FileLanded
from ingest.errors import PermanentError, UsageError
from ingest.store.handover import Handover, Rows
from ingest.work.context import Surroundings
from ingest.work.perform import Performed, perform
from ingest.work.trial import Subject, held_of

LENIENT = {"strictness": "lenient", "on_mismatch": "warn"}  # what can be read is not refused, but recorded
_VERDICTS = {"schema": "schema_verdict", "arithmetic": "arithmetic_verdict"}  # columns of a table of findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A processor that can read a content, and what it takes it for."""

    settings: ProcessorSettings
    processor: Processor
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What a processor makes of a content.

    `parsed`, `schema` and `arithmetic` are the three verdicts; `schema` and
    `arithmetic` are "" where the processor gives none, or nothing could be read.
    `error` is why the content would be refused under the policy that holds.
    """

    by: Recognised
    parsed: str  # "ok" | "refused"
    schema: str
    arithmetic: str
    error: str | None
    handover: Handover  # as much of it as could be read
    findings: tuple[tuple[str, str, str], ...] = field(default=())  # where, rule, message


def recognised(
    subject: Subject, configured: tuple[ProcessorSettings, ...], *, local: Path | None
) -> tuple[list[Recognised], list[UsageError]]:
    """Every processor that recognises the file of `subject`: those of ingest.toml first, then all others.

    One that recognises nothing by itself is believed to, where ingest.toml names the file's source for it.
    """
    found: dict[str, Recognised] = {}
    refused: list[UsageError] = []
    candidates: list[tuple[ProcessorSettings, Processor]] = []
    for settings in configured:
        try:
            candidates.append((settings, registry.find(settings.use, local=local).processor))
        except UsageError as error:
            refused.append(error)
    for module in registry.modules(local):
        if isinstance(module, UsageError):
            refused.append(module)
            continue
        candidates += [(ProcessorSettings(name=name, use=use), item) for name, use, item in _declared(module)]
    for settings, processor in candidates:
        use = f"{processor.function.__module__}:{processor.function.__name__}"
        if use not in found and (format_ := _asked(settings, processor, subject)):
            found[use] = Recognised(settings=settings, processor=processor, format=format_)
    return list(found.values()), refused


def _declared(module: Any) -> Iterator[tuple[str, str, Processor]]:
    for name, item in vars(module).items():
        if isinstance(item, Processor) and item.function.__module__ == module.__name__:
            yield name, f"{module.__name__}:{name}", item


def _asked(settings: ProcessorSettings, processor: Processor, subject: Subject) -> str:
    if processor.recognises is None:
        is_told = FileLanded.type in processor.accepts and subject.origin in settings.sources
        return "declared" if is_told else ""
    with subject.opened() as opened:
        try:
            return processor.recognises(opened)
        except PermanentError:
            return ""


def inspect(subject: Subject, by: Recognised, *, clock: Callable[[], datetime]) -> Inspected:
    """The processor has run on the subject, under its own policy and under one that records everything."""
    run = _run(subject, by, by.settings.options, clock)
    try:
        options = {**by.settings.options, **LENIENT}
        by.processor.check_options(by.settings.name, options)
        lenient = _run(subject, by, options, clock)
    except UsageError:
        lenient = run  # it knows no such policy
    seen = run if run.failure is None or lenient.failure is not None else lenient
    verdicts, findings = _judged(lenient.spool)
    return Inspected(
        by=by,
        parsed="ok" if seen.failure is None else "refused",
        schema=verdicts.get("schema", ""),
        arithmetic=verdicts.get("arithmetic", ""),
        error=None if run.failure is None else run.failure.error,
        handover=seen.spool,
        findings=findings,
    )


def _run(
    subject: Subject, by: Recognised, options: Mapping[str, Any], clock: Callable[[], datetime]
) -> Performed:
    around = Surroundings(
        processor=by.settings.name,
        options=options,
        open=lambda _digest, _event: subject.opened(),
        select=lambda _table, _equal: [],  # nothing stands
        clock=clock,
    )
    return perform(held_of(subject), by.processor, around, clock)


def _judged(handover: Handover) -> tuple[dict[str, str], tuple[tuple[str, str, str], ...]]:
    """The verdicts that stand in a table of findings, and the first findings."""
    for piece in handover.pieces():
        if isinstance(piece, Rows) and set(_VERDICTS.values()) <= piece.table.names:
            row = dict(zip([column.name for column in piece.table.columns], piece.rows[0], strict=True))
            found = tuple((str(w), str(r), str(m)) for w, r, m in json.loads(str(row.get("first", "[]"))))
            return {name: str(row[column]) for name, column in _VERDICTS.items()}, found
    return {}, ()
