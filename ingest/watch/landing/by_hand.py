"""A file that a person lands, through the same step: also one that equals what stands.

It is whole because they say so. What a source refuses is refused here too; what
it would merely count, suppress or wait for lands. The file stays where it is.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ingest.archive import Archive
from ingest.config import Settings, SourceSettings
from ingest.domain.identity import Standing
from ingest.domain.keys import fits
from ingest.domain.showing import show
from ingest.errors import CannotWrite, NotFound, TryAgain, UsageError
from ingest.store import presence, sightings, sources
from ingest.store.engine import Store, Tx
from ingest.store.presence import Presence
from ingest.store.sightings import Landed, Look
from ingest.trace import inside
from ingest.watch.landing.admission import Admission, said_of_long
from ingest.watch.landing.drafts import origin_of
from ingest.watch.landing.land import land
from ingest.watch.landing.take import Manner, NotTaken, Taken, take
from ingest.watch.seeing.root import tuple_of
from ingest.watch.seeing.scan import Refusal

_log = logging.getLogger(__name__)

COMPLETE = "by hand"
_REACH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_LONGEST = 4096  # bytes of a path


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person wants to land."""

    file: Path
    source: str
    path: str | None  # relative to the source; None: where it lies there, else its own name
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it."""

    source: str
    path: bytes
    size: int
    standing: Standing | None  # what stands landed now, by this request; None where it was refused
    said: str  # why it was refused


def land_by_hand(
    store: Store, archive: Archive, settings: Settings, request: Request, *, now: datetime
) -> Answer:
    """The file has landed as the next version of its path, or is refused by a policy of the source.

    Raises `NotFound`, `UsageError`, `TryAgain` or `CannotWrite` where it cannot be read or kept.
    """
    source = settings.source(request.source)
    look = _look(request, source)
    found = _taken(store, archive, settings, source, request.file, look)
    answer = Answer(source=source.name, path=look.path, size=look.stat.size, standing=None, said="")
    if isinstance(found, Refusal):
        return replace(answer, said=f"{found.reason}: {found.message}")
    origin = replace(origin_of(settings, source), insists=True, duplicates="flag")
    with store.write() as tx:
        sources.introduce(tx, source.name, str(source.path))
        former = sightings.lock_standing(tx, source.name, [look.path]).get(look.path)
        came = land(tx, origin, lambda _path, _stat: True, [found], leaves=False, now=now)
        archive.expect(tx, came.objects_again)
        standing = sightings.standing(tx, source.name, [look.path])[look.path]
        _keep_delivered(
            tx, source, former, Landed(look, standing.version, standing.sha256, standing.event_id), now
        )
        sightings.remark(
            tx, source.name, look.path, f"{COMPLETE}: {request.reason}" if request.reason else COMPLETE
        )
    _log.warning(
        "%s: %s landed by hand as version %d: %s",
        source.name,
        show(look.path),
        standing.version,
        show(request.reason or "no reason given"),
    )
    return replace(answer, standing=standing)


def _look(request: Request, source: SourceSettings) -> Look:
    """The file as it is now, at the path it is to have."""
    try:
        found = request.file.lstat()
    except OSError as error:
        raise NotFound(
            f"there is no file {show(os.fsencode(request.file))}: {error.strerror}",
            hint="write its path as it is",
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(
            f"{show(os.fsencode(request.file))} is not a file", hint="links, folders and pipes never land"
        )
    if request.path is not None:
        path = _relative(request.path)
    else:
        path = inside(source.path, request.file.absolute()) or os.fsencode(request.file.name)
    if not fits(source.name, path):
        raise UsageError(
            f"the file cannot land: {said_of_long(path)}", hint="give it a shorter path with --as"
        )
    return Look(path, tuple_of(found))


def _relative(text: str) -> bytes:
    path = os.fsencode(os.path.normpath(text))
    if text.endswith("/") or path.startswith((b"/", b"..")) or path == b"." or len(path) > _LONGEST:
        raise UsageError(
            f"--as {text!r} is not a path within a source", hint="write it relative to the source"
        )
    return path


def _taken(
    store: Store, archive: Archive, settings: Settings, source: SourceSettings, file: Path, look: Look
) -> Taken | Refusal:
    """The bytes of the file, in hand or in the archive."""
    with Presence(presence.directory_of(store.path), "hand") as here:
        manner = Manner(
            archive=archive,
            inline_max=settings.store.inline_max,
            owner=lambda: here.id,
            should_stop=lambda: False,
            complete=COMPLETE,
            leases=False,
            admission=Admission(source),
        )
        folder = _open(file.parent)
        try:
            found = take(folder, look, manner, name=os.fsencode(file.name))
        finally:
            os.close(folder)
        if isinstance(found, NotTaken):
            raise _not_taken(found, file)
        if isinstance(found, Taken) and found.staged is not None:
            archive.objects.store([found.staged])
    return found


def _open(folder: Path) -> int:
    """A descriptor of the folder, which need not be readable: others may enter some and not list them."""
    try:
        return os.open(folder, _REACH)
    except OSError as error:
        raise NotFound(
            f"{show(os.fsencode(folder))} cannot be entered: {error.strerror}",
            hint="allow this user to enter it",
        ) from error


def _not_taken(left: NotTaken, file: Path) -> UsageError | CannotWrite | TryAgain:
    shown = show(os.fsencode(file))
    if left.word == "unwritable":
        return CannotWrite(left.reason, hint="free the disk or mend the mount; nothing was lost")
    if left.word == "ignored":
        return UsageError(
            f"{shown} is empty, and its source ignores empty files", hint="see `empty` in ingest.toml"
        )
    return TryAgain(f"{shown} cannot be taken: {left.reason}", hint="try again when nobody changes it")


def _keep_delivered(
    tx: Tx, source: SourceSettings, former: Standing | None, landed: Landed, now: datetime
) -> None:
    """What lies at the path in the source, and had landed, is not delivered again by this."""
    if former is None or former.delivered == landed.look.stat:
        return
    try:
        there = (source.path / os.fsdecode(landed.look.path)).lstat()
    except OSError:
        return
    if tuple_of(there) == former.delivered:
        sightings.land(
            tx, source.name, [landed._replace(look=Look(landed.look.path, former.delivered))], now=now
        )
