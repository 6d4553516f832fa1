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
from ingest.contract import Judging, Processor, Table
from ingest.domain.events import FileLanded
from ingest.errors import PermanentError, UsageError
from ingest.store.handover import Handover, Rows
from ingest.work.context import Surroundings
from ingest.work.perform import Performed, describe, perform
from ingest.work.trial import Subject, held_of

DECLARED = "declared"  # in place of a format: ingest.toml alone says that the content is for the processor


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
    tables: tuple[Table, ...]  # of the processor, as it declares them
    handover: Handover  # as much of it as could be read
    findings: tuple[tuple[str, str, str], ...] = field(default=())  # where, rule, message


def recognised(
    subject: Subject, configured: tuple[ProcessorSettings, ...], *, local: Path | None
) -> tuple[list[Recognised], list[UsageError]]:
    """Every processor that takes the file of `subject` for one of its own, and why others cannot be asked.

    Those of ingest.toml come first, with their options, and among them those
    that recognise a file of a source of theirs; then all others that can do
    without options. Where a content does not tell, ingest.toml is believed
    that names the file's source for a processor.
    """
    found: list[Recognised] = []
    refused: list[UsageError] = []
    for candidate in _candidates(configured, local):
        if isinstance(candidate, UsageError):
            refused.append(candidate)
            continue
        try:
            found += _asked(*candidate, subject)
        except UsageError as error:
            refused.append(error)
    found.sort(key=lambda each: each.format == DECLARED or subject.origin not in each.settings.sources)
    return found, refused


def _candidates(
    configured: tuple[ProcessorSettings, ...], local: Path | None
) -> Iterator[tuple[ProcessorSettings, Processor] | UsageError]:
    named = set()
    for settings in configured:
        try:
            processor = registry.find(settings.use, local=local).processor
            named.add(processor.function)
            processor.check_options(settings.name, settings.options)
            yield settings, processor
        except UsageError as error:
            yield error
    for module in registry.modules(local):
        if isinstance(module, UsageError):
            yield module
            continue
        for name, item in vars(module).items():
            is_own = isinstance(item, Processor) and item.function.__module__ == module.__name__
            if is_own and item.function not in named and _needs_no_options(name, item):
                yield ProcessorSettings(name=name, use=f"{module.__name__}:{name}"), item


def _needs_no_options(name: str, processor: Processor) -> bool:
    try:
        processor.check_options(name, {})
    except UsageError:
        return False
    return True


def _asked(settings: ProcessorSettings, processor: Processor, subject: Subject) -> Iterator[Recognised]:
    """The processor, where it takes the content; raises `UsageError` where asking it fails."""
    format_, encoding = None, str(subject.event.data["encoding"])
    if processor.recognises is not None:
        with subject.opened() as opened:
            try:
                format_ = processor.recognises(opened, settings.options, encoding)
            except PermanentError:
                return
            except Exception as error:
                raise UsageError(
                    f"processor {settings.name!r} cannot tell what it recognises: {describe(error)}",
                    hint="correct what its `recognises` names",
                ) from error
    if format_ is None and FileLanded.type in processor.accepts and subject.origin in settings.sources:
        format_ = DECLARED
    if format_:
        yield Recognised(settings=settings, processor=processor, format=format_)


def inspect(subject: Subject, by: Recognised, *, clock: Callable[[], datetime]) -> Inspected:
    """The processor has run on the subject, under its own policy and under the one by which it records all.

    Raises `UsageError` for a processor that does not judge as it declares.
    """
    judging = by.processor.judges or Judging()
    tables = by.processor.owned_tables(by.settings.name, by.settings.options)
    _check_columns(by, judging, tables)
    run = _run(subject, by, by.settings.options, clock)
    lenient = _leniently(subject, by, judging, clock) or run
    seen = run if run.failure is None or lenient.failure is not None else lenient
    verdicts = _judged(lenient.spool, judging)
    return Inspected(
        by=by,
        parsed="ok" if seen.failure is None else "refused",
        schema=str(verdicts.get(judging.schema) or ""),
        arithmetic=str(verdicts.get(judging.arithmetic) or ""),
        error=None if run.failure is None else run.failure.error,
        tables=tables,
        handover=seen.spool,
        findings=_findings(by, verdicts.get(judging.findings)),
    )


def _check_columns(by: Recognised, judging: Judging, tables: tuple[Table, ...]) -> None:
    if judging.columns and not any(judging.columns <= each.names for each in tables):
        columns = ", ".join(sorted(judging.columns))
        raise UsageError(
            f"processor {by.settings.name!r} judges in columns that none of its tables has: {columns}",
            hint="correct what its `judges` names",
        )


def _leniently(
    subject: Subject, by: Recognised, judging: Judging, clock: Callable[[], datetime]
) -> Performed | None:
    options = judging.leniently(by.settings.options)
    if options is None:
        return None
    try:
        by.processor.check_options(by.settings.name, options)
    except UsageError:
        return None  # beside its other options it cannot have these
    return _run(subject, by, options, clock)


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


def _judged(handover: Handover, judging: Judging) -> dict[str, Any]:
    """The first row of verdicts, as the database would keep it."""
    for piece in handover.pieces():
        if judging.columns and isinstance(piece, Rows) and judging.columns <= piece.table.names:
            return dict(zip([column.name for column in piece.table.columns], piece.rows[0], strict=True))
    return {}


def _findings(by: Recognised, kept: str | None) -> tuple[tuple[str, str, str], ...]:
    try:
        return tuple((str(w), str(r), str(m)) for w, r, m in json.loads(kept or "[]"))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"processor {by.settings.name!r} hands over findings that are none",
            hint="each is a list of where, rule and message",
        ) from error
