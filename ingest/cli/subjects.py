"""What a processor is tried on: the fact that a file's source would state of it, or an event as JSON."""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import datetime
from pathlib import Path

from ingest.config import Settings, database_file
from ingest.domain.codec import decode
from ingest.domain.events import Event
from ingest.domain.identity import Standing
from ingest.domain.showing import show
from ingest.errors import NotFound, UsageError
from ingest.store import contents, sightings
from ingest.store.engine import Tx
from ingest.store.foreign import own_inodes
from ingest.store.reading import browsing
from ingest.store.sightings import Look
from ingest.trace import inside
from ingest.watch.landing.drafts import Origin, landed, origin_of
from ingest.watch.landing.land import first_elsewhere
from ingest.watch.landing.take import Taken
from ingest.watch.seeing.root import tuple_of
from ingest.work.trial import Subject

_COMPLETE = "tried"  # how completeness was established: it was not
_NOWHERE = Origin(name="try", event_source="/ingest/try")


def of_file(tx: Tx, held: Settings, file: Path, *, now: datetime) -> Subject:
    """The event of the file, where it stands landed at its path; else the one that would be stated of it now.

    A file in the directory of a source is that source's; any other is of one called `try`.
    Raises `NotFound` for a file that cannot be read, `UsageError` for what is none.
    """
    origin, path = _place(held, file)
    taken = _read(file, path, database_file(held.store))
    former = sightings.standing(tx, origin.name, [path]).get(path)
    event = _event(tx, origin, taken, former, now=now)
    return Subject(event=event, origin=origin.name, file=file, sha256=taken.sha256)


def as_new(held: Settings, file: Path, *, now: datetime) -> Subject:
    """The event that would be stated of the file if nothing had landed before; raises as `of_file` does."""
    origin, path = _place(held, file)
    taken = _read(file, path, database_file(held.store))
    _, draft = landed(origin, taken, None, duplicate_of=None, now=now)
    return Subject(event=decode(draft.body), origin=origin.name, file=file, sha256=taken.sha256)


def _event(tx: Tx, origin: Origin, taken: Taken, former: Standing | None, *, now: datetime) -> Event:
    if former is not None and former.sha256 == taken.sha256:
        stands = browsing.event(tx, former.event_id, now=now)
        if stands.retired:
            raise NotFound(
                f"event {stands.id} was retired by run {stands.retired}", hint="try a copy under another name"
            )
        return decode(stands.body, stands.keyseq)
    first = contents.firsts(tx, [taken.sha256]).get(taken.sha256)
    duplicate_of = first_elsewhere(tx, origin, taken, first)
    _, draft = landed(origin, taken, former, duplicate_of=duplicate_of, now=now)
    return decode(draft.body)


def _place(held: Settings, file: Path) -> tuple[Origin, bytes]:
    for source in held.sources:
        path = inside(source.path, file.absolute())
        if path is not None:
            return origin_of(held, source), path
    return _NOWHERE, os.fsencode(file.name)


def _read(file: Path, path: bytes, database: Path) -> Taken:
    try:
        found = file.stat()
        if (found.st_dev, found.st_ino) in own_inodes(database):
            raise UsageError(
                f"{show(os.fsencode(file))} is part of the database of this store",
                hint="try the processor on a file that a partner could send",
            )
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(
                f"{show(os.fsencode(file))} is not a file", hint="it is read more than once: save it first"
            )
        with file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise NotFound(
            f"{show(os.fsencode(file))} cannot be read: {error.strerror}",
            hint="name a file that is there and may be read",
        ) from error
    return Taken(Look(path, tuple_of(found)), sha256, None, None, _COMPLETE)
