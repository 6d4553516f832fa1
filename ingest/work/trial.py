"""Trying a processor on one event: the real function and context, and what stands; nothing is applied."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from ingest.config import ProcessorSettings
from ingest.contract import Processor, Table
from ingest.domain.codec import decode, encode
from ingest.domain.events import Event
from ingest.domain.facts import EventUnreadable
from ingest.domain.showing import show
from ingest.errors import NotFound, UsageError
from ingest.store import booking
from ingest.store.comparing import Compared
from ingest.store.engine import Store
from ingest.store.handover import Facts, Handover, Rejects, Rows
from ingest.store.held import Held
from ingest.store.lanes import Lane
from ingest.store.reading import booked
from ingest.store.rules import Rules
from ingest.store.standing import DeliveryStanding
from ingest.store.tables import standing
from ingest.work.context import Surroundings
from ingest.work.perform import perform
from ingest.work.shadow import compared

Reject = tuple[int | None, str | None, str, str]  # line, column, rule, raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a processor is tried on: an event and, where it is about a file, that file."""

    event: Event
    origin: str
    file: Path | None
    sha256: str | None

    def opened(self) -> BinaryIO:
        """The bytes of the file, or `NotFound`."""
        if self.file is None:
            raise NotFound("the file at the root of this event is not at hand")
        return self.file.open("rb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it. `verdict`: done, dead (no other try would help) or retrying."""

    event: Event
    verdict: str
    error: str | None
    tables: tuple[Table, ...]  # of the processor, as it declares them
    handover: Handover
    compared: Compared  # with what stands; with nothing where the processor failed

    @property
    def booked(self) -> int:
        """Rows that would be booked."""
        return self.compared.booked if self.verdict == "done" else 0

    @property
    def duplicate(self) -> int:
        """Rows that stand already, by another event or one before them in the file."""
        return self.compared.duplicate if self.verdict == "done" else 0

    @property
    def rejected(self) -> int:
        """Rows refused by the processor, or because they conflict with what stands."""
        return self.handover.rejected + self.compared.conflicts

    @property
    def emitted(self) -> int:
        """Facts that would stand."""
        facts = self.compared.differences.of("facts")
        return facts.added + facts.changed + facts.unchanged

    def rejects(self) -> Iterator[Reject]:
        """Every row refused; of conflicts with what stands, the first few."""
        yield from rejects_of(self.handover)
        yield from self.compared.refused


@dataclass(slots=True, kw_only=True)
class RowsOf:
    """What was handed over for a table: how many rows, and the first of them."""

    table: str
    count: int = 0
    first: list[tuple[dict[str, Any], str | None]] = field(default_factory=list)  # as kept; id of its fact


def rows_of(handover: Handover, tables: Sequence[Table], *, most: int) -> list[RowsOf]:
    """What was handed over for each table, in the order of `tables`, with the first `most` of its rows."""
    found = {each.name: RowsOf(table=each.name) for each in tables}
    for piece in handover.pieces():
        if isinstance(piece, Rows):
            of = found.setdefault(piece.table.name, RowsOf(table=piece.table.name))
            of.count += len(piece.rows)
            names = [column.name for column in piece.table.columns]
            for index, row in enumerate(piece.rows[: most - len(of.first)]):
                fact = piece.facts[index] if piece.facts else None
                of.first.append((dict(zip(names, row, strict=True)), None if fact is None else fact.id))
    return [of for of in found.values() if of.count]


def facts_of(handover: Handover) -> Iterator[dict[str, Any]]:
    """Every fact handed over, with a row or without, as CloudEvents JSON."""
    for piece in handover.pieces():
        if isinstance(piece, Rows | Facts):
            yield from (json.loads(fact.body) for fact in piece.facts if fact is not None)


def rejects_of(handover: Handover) -> Iterator[Reject]:
    """Every row that the processor refused."""
    for piece in handover.pieces():
        if isinstance(piece, Rejects):
            yield from piece.rejects


def emitted(file: Path) -> Subject:
    """The event that stands in `file` as CloudEvents JSON, as `ingest events show` prints it."""
    try:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text)
        event = decode(text, found.get("keyseq"))
    except OSError as error:
        raise NotFound(
            f"{show(str(file))} cannot be read: {error.strerror}",
            hint="name a file that is there and may be read",
        ) from error
    except (ValueError, AttributeError, EventUnreadable) as error:
        raise UsageError(
            f"{show(str(file))} is no event as JSON", hint="this processor takes no files"
        ) from error
    return Subject(event=event, origin="", file=None, sha256=None)


def try_out(
    subject: Subject,
    processor: Processor,
    settings: ProcessorSettings,
    *,
    store: Store,
    clock: Callable[[], datetime],
) -> Tried:
    """The processor has run on the subject; what it handed over was compared with what stands, no more."""

    def selected(table: Table, equal: dict[str, Any]) -> list[dict[str, Any]]:
        with store.read() as tx:
            return booking.select_rows(tx, table, equal) if booked.stands(tx, table.name) else []

    around = Surroundings(
        processor=settings.name,
        options=settings.options,
        open=lambda _digest, _event: subject.opened(),
        select=selected,
        clock=clock,
    )
    processor.check_options(settings.name, settings.options)
    run = perform(held_of(subject), processor, around, clock)
    owned = processor.owned_tables(settings.name, settings.options)
    with store.read() as tx:
        tables = standing(tx, settings.name, owned)
    run = compared(store, run, _rules(settings, tables))
    found = run.compared or Compared(stands=DeliveryStanding())
    tried = Tried(
        event=subject.event,
        verdict=found.would,
        error=found.error,
        tables=owned,
        handover=run.spool,
        compared=found,
    )
    if run.failure is None:
        return tried
    verdict = "dead" if run.failure.is_permanent else "retrying"
    return replace(tried, verdict=verdict, error=run.failure.error)


def _rules(settings: ProcessorSettings, tables: tuple[Table, ...]) -> Rules:
    """What a result is held to; a table that does not stand as it is declared holds nothing."""
    return Rules(
        processor=settings.name,
        tables=tables,
        max_rejects=float(settings.max_rejects),
        max_facts=settings.max_facts,
    )


def held_of(subject: Subject) -> Held:
    """A delivery that exists nowhere else."""
    return Held(
        lane=Lane(0, 0, subject.event.partitionkey, 0),
        keyseq=subject.event.keyseq or 1,
        position=0,
        attempts=0,
        crashes=0,
        event_id=subject.event.id,
        origin=subject.origin,
        content=subject.sha256,
        body=encode(subject.event),
    )
