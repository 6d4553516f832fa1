"""The life of a file, read from the store: what was seen, what landed, who handled it, what came of that.

For `ingest trace` and `ingest why`. Nothing here writes, and no processor's
code is needed: everything stands in the log and its bookkeeping.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from ingest.config import SourceSettings
from ingest.domain.naming import duplicate_id, encode_attribute, refused_id
from ingest.domain.showing import show
from ingest.errors import NotFound, UsageError
from ingest.store import contents, sightings
from ingest.store.engine import Tx
from ingest.store.reading import browsing, history, members
from ingest.store.reading.browsing import SHORTEST, Listed
from ingest.store.reading.history import Life
from ingest.store.sightings import Sighting

MOST_EVENTS = 1000
_DIGEST = re.compile(f"[0-9a-f]{{{SHORTEST},64}}")  # or its beginning
_LITTLE = f"an id or a digest is known by its first {SHORTEST} characters or more; see `ingest events list`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path of a source."""

    source: SourceSettings
    path: bytes  # relative to the source

    def show(self) -> str:
        """The source and the path, on one line."""
        return f"{self.source.name}: {show(self.path)}"

    def on_disk(self) -> Path:
        """Where it is, or would be."""
        return self.source.path / os.fsdecode(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """All that is known of what was asked for; facts that were brought about stand behind their causes."""

    sightings: tuple[Sighting, ...]
    lives: tuple[Life, ...]
    is_complete: bool  # False: there are more facts than were asked for


def trace(
    tx: Tx,
    asked: str,
    sources: Sequence[SourceSettings],
    *,
    cwd: Path,
    limit: int = MOST_EVENTS,
    now: datetime,
) -> Traced:
    """The life of the path, event or content that `asked` names.

    Raises `NotFound` when it names nothing, `UsageError` when several paths are meant.
    """
    place = _only(_among(asked, sources, cwd, is_known=partial(_is_seen, tx)), asked)
    roots = of_place(tx, place, now=now) if place is not None else _of_name(tx, asked, limit=limit, now=now)
    if not roots and place is None:
        _refuse_folder(cwd / asked, asked)
        raise NotFound(
            f"neither a path nor an event nor a content is called {show(asked)}",
            hint=_LITTLE if len(asked) < SHORTEST else "see `ingest events list`, or `ingest why PATH`",
        )
    found = _with_consequences(tx, roots, limit=limit, now=now)
    seen = [place] if place is not None else _places_of(roots, sources)
    return Traced(
        sightings=tuple(s for p in seen if (s := sightings.find(tx, p.source.name, p.path)) is not None),
        lives=tuple(history.lives(tx, found)),
        is_complete=len(found) < limit,
    )


def locate(tx: Tx, asked: str, sources: Sequence[SourceSettings], *, cwd: Path) -> Place:
    """The one place that `asked` means, also where nothing was ever seen.

    Raises `NotFound` when it is in no source, `UsageError` when several are meant or it is a folder.
    """
    known = _among(asked, sources, cwd, is_known=lambda p: _is_seen(tx, p) or os.path.lexists(p.on_disk()))
    place = _only(known or _typed(asked, sources, cwd), asked)
    if place is None:
        _refuse_folder(cwd / asked, asked)
        raise NotFound(f"nothing is known of {show(asked)}", hint="write the path as it is in its source")
    if not _is_seen(tx, place):
        _refuse_folder(place.on_disk(), asked)
    return place


def _refuse_folder(path: Path, asked: str) -> None:
    if path.is_dir() and not path.is_symlink():
        raise UsageError(
            f"{show(asked)} is a folder",
            hint="files land, folders do not: name one of the files in it",
        )


def inside(root: Path, path: Path) -> bytes | None:
    """`path` relative to `root`, None where it is elsewhere.

    Its own last part is never resolved: it may be a link that was refused.
    """
    plain, real = os.path.normpath(path), os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118  # compared as text
    for base, inner in ((os.path.normpath(root), plain), (os.path.realpath(root), real)):
        if inner.startswith(base.rstrip("/") + "/"):
            return os.fsencode(os.path.relpath(inner, base))
    return None


def of_place(tx: Tx, place: Place, *, now: datetime) -> list[Listed]:
    """Every fact about the file at this place, by position: all its versions, and refusals.

    By the partition key of its path, and back along the versions: the key may have been another one.
    """
    name = place.source.name
    events = browsing.of_key(tx, f"{name}/{encode_attribute(place.path)}", origin=name, now=now)
    found = {event.id: event for event in events}
    for id_ in _newest_ids(sightings.find(tx, name, place.path)):
        while id_ is not None and id_ not in found:
            event = browsing.event(tx, id_, now=now)
            found[event.id], id_ = event, event.supersedes  # noqa: PLW2901  # back along the versions
    return sorted(found.values(), key=lambda event: event.position)


def _newest_ids(sighting: Sighting | None) -> list[str | None]:
    """The ids of what stands landed at a path, and of how it was turned away."""
    if sighting is None:
        return []
    ids: list[str | None] = [] if sighting.standing is None else [sighting.standing.event_id]
    if sighting.state == "refused":
        word = sighting.reason.partition(":")[0]
        ids.append(refused_id(sighting.source, sighting.path, sighting.seen.text(), word))
    if sighting.state == "suppressed":
        ids.append(duplicate_id(sighting.source, sighting.path, sighting.seen.text()))
    return ids


def _among(
    asked: str, sources: Sequence[SourceSettings], cwd: Path, *, is_known: Callable[[Place], bool]
) -> list[Place]:
    """The places that are known: as typed, or, where there is none, relative to each source."""
    return [p for p in _typed(asked, sources, cwd) if is_known(p)] or [
        p for p in _relative(asked, sources) if is_known(p)
    ]


def _typed(asked: str, sources: Sequence[SourceSettings], cwd: Path) -> list[Place]:
    return [Place(source=s, path=path) for s in sources if (path := inside(s.path, cwd / asked)) is not None]


def _relative(asked: str, sources: Sequence[SourceSettings]) -> list[Place]:
    path = os.path.normpath(asked)
    if path.startswith(("/", "..")) or path == ".":
        return []
    return [Place(source=source, path=os.fsencode(path)) for source in sources]


def _only(candidates: Sequence[Place], asked: str) -> Place | None:
    if len(candidates) > 1:
        listed = ", ".join(show(os.fsencode(place.on_disk())) for place in candidates)
        raise UsageError(f"{show(asked)} means several files: {listed}", hint="write one of them in full")
    return candidates[0] if candidates else None


def _is_seen(tx: Tx, place: Place) -> bool:
    return sightings.find(tx, place.source.name, place.path) is not None


def _of_name(tx: Tx, asked: str, *, limit: int, now: datetime) -> list[Listed]:
    """The event, or the facts about files with the content, that `asked` names by its beginning at least."""
    ids = browsing.ids_like(tx, asked)
    if len(ids) > 1:
        raise UsageError(f"several events begin with {asked!r}", hint="write more of the id")
    if ids:
        return browsing.with_ids(tx, ids, now=now)
    digest = asked.lower()  # as some systems write it in capitals
    return _of_content(tx, digest, limit=limit, now=now) if _DIGEST.fullmatch(digest) else []


def _of_content(tx: Tx, beginning: str, *, limit: int, now: datetime) -> list[Listed]:
    """The landings of the content whose digest begins so; where none did, the facts about members with it."""
    landed = contents.digests_like(tx, beginning)
    _refuse_several(landed, beginning)
    if landed and (events := browsing.of_content(tx, landed[0], now=now)):
        return events
    told = members.told_of(tx, beginning, limit=limit)
    _refuse_several({digest for digest, _ in told}, beginning)
    return browsing.with_ids(tx, [id_ for _, id_ in told], now=now)


def _refuse_several(digests: Collection[str], beginning: str) -> None:
    if len(digests) > 1:
        raise UsageError(f"several contents begin with {beginning!r}", hint="write more of the digest")


def _with_consequences(tx: Tx, roots: Sequence[Listed], *, limit: int, now: datetime) -> list[Listed]:
    found = {event.id: event for event in roots}
    newest = list(roots)
    while newest and len(found) < limit:
        caused = browsing.caused_by(tx, [event.id for event in newest], limit=limit - len(found), now=now)
        newest = [event for event in caused if event.id not in found]
        found.update((event.id, event) for event in newest)
    return list(found.values())


def _places_of(roots: Sequence[Listed], sources: Sequence[SourceSettings]) -> list[Place]:
    by_name = {source.name: source for source in sources}
    places = [
        Place(source=by_name[event.origin], path=path)
        for event in roots
        if event.origin in by_name and (path := browsing.path_of(event)) is not None
    ]
    return list(dict.fromkeys(places))
