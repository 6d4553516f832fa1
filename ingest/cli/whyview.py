"""Why a path was landed, or was not: the rules, what was seen, what is there now, who holds it open."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.cli import output, shapes
from ingest.config import SourceSettings
from ingest.domain.identity import Standing
from ingest.domain.instants import moment
from ingest.domain.settling import StatTuple
from ingest.domain.showing import show
from ingest.store import contents, departures, sightings
from ingest.store.departures import Departure
from ingest.store.engine import Tx
from ingest.store.reading import browsing
from ingest.store.sightings import Look, Sighting
from ingest.trace import Place, locate
from ingest.watch.seeing.root import tuple_of
from ingest.watch.seeing.rules import Rule, verdict

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that may hold a file open for writing."""

    pid: int
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """All that bears on whether a path lands."""

    place: Place
    verdict: str  # landed | settling | refused | suppressed | blocked | ignored | not_included | …
    says: str
    rule: Rule
    sighting: Sighting | None
    on_disk: StatTuple | None
    holders: Sequence[Holder]
    complete: str | None  # how it was established that what stands landed is whole
    duplicate_of: str | None
    supersedes: str | None
    superseded_by: str | None
    retired: str  # by which run its event was retired, and when; empty: it was not
    departure: Departure | None  # of what was delivered last


def find(tx: Tx, asked: str, sources: Sequence[SourceSettings], *, cwd: Path, now: datetime) -> Reason:
    """Why the path that `asked` means was landed, or was not.

    Raises `NotFound` when it is in no source, `UsageError` when it may be in several.
    """
    place = locate(tx, asked, sources, cwd=cwd)
    rule = verdict(place.source, place.path)
    sighting = sightings.find(tx, place.source.name, place.path)
    on_disk = _stat(place.on_disk())
    word, says = _judged(rule, sighting, on_disk)
    if word == "unseen" and place.source.empty == "ignore" and on_disk is not None and not on_disk.size:
        word, says = "ignored", "the source ignores empty files"
    standing = sighting.standing if sighting is not None else None
    if word == "landed" and standing is not None:
        says = _kept_or_not(tx, standing, says)
    event = None if standing is None else browsing.event(tx, standing.event_id, now=now)
    data = {} if event is None else json.loads(event.body)["data"]
    return Reason(
        place=place,
        verdict=word,
        says=says,
        rule=rule,
        sighting=sighting,
        on_disk=on_disk,
        holders=_holders(on_disk) if word in ("settling", "unseen") else (),
        complete=data.get("complete"),
        duplicate_of=data.get("duplicateof"),
        supersedes=data.get("supersedes"),
        retired="" if event is None else event.retired,
        superseded_by=None if standing is None else browsing.superseder(tx, standing.event_id),
        departure=None if standing is None else _departure(tx, place, standing),
    )


def _kept_or_not(tx: Tx, standing: Standing, says: str) -> str:
    """What is said of a file that landed: `says`, unless its bytes were let go."""
    found = contents.find(tx, standing.sha256)
    return says if found is None or not found.retired else f"its bytes were let go by run {found.retired}"


def as_json(reason: Reason) -> dict[str, Any]:
    """The document of `why --json`."""
    sighting = None if reason.sighting is None else shapes.sighting(reason.sighting)
    return {
        "source": reason.place.source.name,
        **shapes.name("path", reason.place.path),
        "verdict": reason.verdict,
        "says": reason.says,
        "rule": {
            "word": reason.rule.word,
            "pattern": reason.rule.pattern,
            "built_in": reason.rule.is_built_in,
        },
        "sighting": sighting,
        "quiet_since": sighting and sighting["since"],
        "on_disk": None if reason.on_disk is None else reason.on_disk._asdict(),
        "held_open_by": [{"pid": holder.pid, "command": holder.command} for holder in reason.holders],
        "event_id": sighting and sighting["event_id"],
        "version": sighting and sighting["version"],
        "complete": reason.complete,
        "duplicateof": reason.duplicate_of,
        "supersedes": reason.supersedes,
        "superseded_by": reason.superseded_by,
        "retired": reason.retired or None,
        "departure": None if reason.departure is None else _departure_as_json(reason.departure),
        "redelivered": 0 if reason.sighting is None else reason.sighting.redelivered,
    }


def _short(event_id: str) -> str:
    """As much of an id as people are shown; every command takes it, and --json has the whole."""
    return event_id[:12]


def view(reason: Reason) -> Iterator[RenderableType]:
    """What is printed."""
    from rich.text import Text

    sighting, standing = reason.sighting, reason.sighting and reason.sighting.standing
    yield Text.assemble((reason.place.show(), "bold"), f"  {reason.verdict}: {output.one_line(reason.says)}")
    yield output.facts(
        [
            (
                "rule",
                f"{reason.rule.word} {reason.rule.pattern}{' (built in)' if reason.rule.is_built_in else ''}",
            ),
            ("seen", _tuple(sighting.seen) if sighting else "never"),
            (_since(sighting), shapes.time(sighting.since) if sighting else None),
            ("on disk now", _tuple(reason.on_disk) if reason.on_disk else "nothing"),
            ("held open by", ", ".join(f"{h.command} ({h.pid})" for h in reason.holders) or None),
            (
                "landed as",
                f"version {standing.version}, event {_short(standing.event_id)}" if standing else None,
            ),
            ("known whole by", reason.complete),
            ("duplicate of", reason.duplicate_of and _short(reason.duplicate_of)),
            ("supersedes", reason.supersedes and _short(reason.supersedes)),
            ("superseded by", reason.superseded_by and _short(reason.superseded_by)),
            ("retired", f"by run {reason.retired}" if reason.retired else None),
            ("departure", None if reason.departure is None else _departure_in_words(reason.departure)),
            ("delivered again", sighting.redelivered if sighting and sighting.redelivered else None),
        ]
    )


def _judged(rule: Rule, sighting: Sighting | None, on_disk: StatTuple | None) -> tuple[str, str]:
    if rule.word != "included":
        return _judged_by_name(rule, sighting)
    if sighting is None:
        if on_disk is None:
            return "absent", "nothing is there, and nothing was ever seen there"
        return "unseen", "no scan has seen it yet: is a watcher running?"
    if sighting.state == "landed" and on_disk is not None and on_disk != sighting.seen:
        return "unseen", "it has changed since it landed, and no scan has seen that yet"
    words = {"landed": "its bytes stand in the archive", "settling": "it is not whole yet"}
    return sighting.state, sighting.reason or words.get(sighting.state, sighting.state)


def _departure(tx: Tx, place: Place, standing: Standing) -> Departure | None:
    look = Look(place.path, standing.delivered)
    found = departures.find(tx, [departures.ticket_of(place.source.name, look)])
    return found[0] if found else None


def _departure_as_json(departure: Departure) -> dict[str, Any]:
    return {
        "since": shapes.time(departure.since),
        "failures": departure.failures,
        "error": departure.error or None,
        "ended_at": shapes.time(departure.ended_at),
        "outcome": departure.outcome or None,
    }


def _departure_in_words(departure: Departure) -> str:
    if departure.ended_at is not None:
        return f"{departure.outcome}, {shapes.time(departure.ended_at)}"
    return f"due: {departure.error}" if departure.error else "due"


def _judged_by_name(rule: Rule, sighting: Sighting | None) -> tuple[str, str]:
    """What lands under no name such as this; a marker or a manifest may still wait for what it speaks of."""
    if rule.word not in ("marker", "manifest"):
        pattern = f" by {rule.pattern}" if rule.pattern else ""
        return rule.word.replace(" ", "_"), f"the source's rules leave it alone{pattern}"
    if sighting is not None and sighting.state != "landed":
        return sighting.state, sighting.reason
    return rule.word, "it speaks of other files and never lands itself"


def _stat(path: Path) -> StatTuple | None:
    with suppress(OSError):
        return tuple_of(path.lstat())
    return None


def _since(sighting: Sighting | None) -> str:
    """What the moment of a sighting is the beginning of."""
    if sighting is None or sighting.state == "settling":
        return "unchanged since"
    return f"{sighting.state} since"


def _tuple(seen: StatTuple) -> str:
    changed = shapes.time(moment(seen.ctime_ns // 1000))
    return f"{seen.size:,} bytes, changed {changed}, inode {seen.inode}"


def _holders(on_disk: StatTuple | None) -> tuple[Holder, ...]:
    """Processes that have the file open for writing, as far as /proc lets us see."""
    if on_disk is None:
        return ()
    return tuple(
        Holder(pid=int(process.name), command=_command(process))
        for process in Path("/proc").glob("[0-9]*")
        if any(_is_writing(process, handle, on_disk.inode) for handle in _entries(process / "fd"))
    )


def _entries(directory: Path) -> list[Path]:
    with suppress(OSError):
        return list(directory.iterdir())
    return []


def _is_writing(process: Path, handle: Path, inode: str) -> bool:
    with suppress(OSError, ValueError, IndexError):
        found = handle.stat()
        if not stat.S_ISREG(found.st_mode) or f"{found.st_dev}:{found.st_ino}" != inode:
            return False
        flags = (process / "fdinfo" / handle.name).read_text().split("flags:")[1].split()[0]
        return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def _command(process: Path) -> str:
    with suppress(OSError):
        return show((process / "comm").read_bytes().strip())
    return "?"
