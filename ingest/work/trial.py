"""Trying a processor on one file: the real function and the real context, and nothing is applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from ingest.config import ProcessorSettings
from ingest.contract import Processor
from ingest.domain.calls import Intent
from ingest.domain.codec import decode, encode, root_event
from ingest.domain.events import Event, FileLanded
from ingest.domain.media import media_type
from ingest.domain.naming import encode_attribute, landed_id
from ingest.domain.showing import show
from ingest.errors import NotFound, UsageError
from ingest.store.handover import Facts, Handover, Rejects, Rows
from ingest.store.held import Held
from ingest.store.lanes import Lane
from ingest.work.context import Reader, Surroundings
from ingest.work.perform import perform

_TRIED = "tried"  # how completeness was established


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a processor is tried on: an event and, where it is about a file, that file."""

    event: Event
    origin: str
    file: Path | None
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it. `verdict`: done, dead (no other try would help) or retrying."""

    event: Event
    verdict: str
    error: str | None
    handover: Handover

    def rows(self) -> Iterator[tuple[str, dict[str, Any], str | None]]:
        """Every row handed over: table, values as the database would keep them, id of its fact."""
        for piece in self.handover.pieces():
            if isinstance(piece, Rows):
                names = [column.name for column in piece.table.columns]
                for index, row in enumerate(piece.rows):
                    fact = piece.facts[index] if piece.facts else None
                    yield (
                        piece.table.name,
                        dict(zip(names, row, strict=True)),
                        None if fact is None else fact.id,
                    )

    def facts(self) -> Iterator[dict[str, Any]]:
        """Every fact handed over, with a row or without, as CloudEvents JSON."""
        for piece in self.handover.pieces():
            if isinstance(piece, Rows | Facts):
                yield from (json.loads(fact.body) for fact in piece.facts if fact is not None)

    def rejects(self) -> Iterator[tuple[int | None, str | None, str, str]]:
        """Every row refused: line, column, rule, raw."""
        for piece in self.handover.pieces():
            if isinstance(piece, Rejects):
                yield from piece.rejects

    def calls(self) -> Iterator[Intent]:
        """Every call registered, in its order."""
        yield from self.handover.calls


def landed(file: Path, *, source: str, path: bytes, encoding: str, now: datetime) -> Subject:
    """The fact that `file` landed, as version 1 of `path` in `source`; raises `NotFound`."""
    try:
        with file.open("rb") as opened:
            sha256, size = hashlib.file_digest(opened, "sha256").hexdigest(), file.stat().st_size
    except OSError as error:
        raise NotFound(f"{show(str(file))} cannot be read: {error.strerror}") from error
    data = FileLanded(
        source=source,
        name=show(path.rpartition(b"/")[2]),
        path=show(path),
        size=size,
        sha256=sha256,
        media_type=media_type(path),
        version=1,
        supersedes=None,
        duplicateof=None,
        landed_at=now,
        complete=_TRIED,
        fields={},
        encoding=encoding,
        content=f"archive:sha256:{sha256}",
    )
    event = root_event(
        data,
        id=landed_id(source, path, sha256, 1),
        source=f"/ingest/{source}",
        subject=encode_attribute(path),
        time=now,
        partitionkey=f"{source}/{encode_attribute(path)}",
    )
    return Subject(event=event, origin=source, file=file, sha256=sha256)


def emitted(file: Path) -> Subject:
    """The event that stands in `file` as CloudEvents JSON, as `ingest events show` prints it."""
    try:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text)
        event = decode(text, found.get("keyseq"))
    except OSError as error:
        raise NotFound(f"{show(str(file))} cannot be read: {error.strerror}") from error
    except (ValueError, AttributeError) as error:
        raise UsageError(
            f"{show(str(file))} is no event as JSON", hint="this processor takes no files"
        ) from error
    return Subject(event=event, origin="", file=None, sha256=None)


def try_out(
    subject: Subject,
    processor: Processor,
    settings: ProcessorSettings,
    *,
    select: Reader,
    clock: Callable[[], datetime],
) -> Tried:
    """The processor has run on the subject; what it handed over was collected and nothing else."""

    def opened(_digest: str) -> BinaryIO:
        if subject.file is None:
            raise NotFound("the file at the root of this event is not at hand")
        return subject.file.open("rb")

    around = Surroundings(
        processor=settings.name, options=settings.options, open=opened, select=select, clock=clock
    )
    processor.check_options(settings.name, settings.options)
    run = perform(_held(subject), processor, around, clock)
    error = None if run.failure is None else run.failure.error
    verdict = "done"
    if run.failure is not None:
        verdict = "dead" if run.failure.is_permanent else "retrying"
    elif run.spool.rejected > float(settings.max_rejects) * run.spool.rows_in:
        verdict, error = (
            "dead",
            f"{run.spool.rejected} of {run.spool.rows_in} rows rejected, more than max_rejects",
        )
    return Tried(event=subject.event, verdict=verdict, error=error, handover=run.spool)


def _held(subject: Subject) -> Held:
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
