"""A file is whole when its bytes have the digest that a manifest gives for it, and not before.

Each member lands by itself. A manifest waits, visibly, until each of its
members has landed with its digest; it is read again when it changes, and what
it said before is forgotten then. One that cannot be followed is refused as a
whole once it has been quiet: it may be half written. Memory is bounded: what
manifests that are gone or done with said is let go of first.
"""

from __future__ import annotations

import logging
import math
import os
import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from ingest.config import SourceSettings
from ingest.domain.instants import moment
from ingest.domain.keys import fits
from ingest.domain.manifests import LARGEST, parse_manifest
from ingest.domain.settling import Reading, StatTuple
from ingest.domain.showing import show
from ingest.store import departures, sightings
from ingest.store.away import Away, turned_away
from ingest.store.departures import ticket_of
from ingest.store.engine import Store
from ingest.store.foreign import open_foreign
from ingest.store.sightings import Look
from ingest.watch.announced.announcing import Heard, Waits, Word
from ingest.watch.landing.take import Taken
from ingest.watch.seeing.root import Root, tuple_of
from ingest.watch.seeing.rules import PathRules
from ingest.watch.seeing.scan import Refusal

ROOM = 200_000  # members of all manifests of a source
_NAMED = 3  # members that a reason names
_log = logging.getLogger(__name__)
_UNLISTED = "no manifest that is there names it"
_NO_ROOM = "a manifest that waits for others: too many files are announced at once"
_DIFFERS = "its digest is not the one its manifest gives"


@dataclass(slots=True, kw_only=True)
class _Manifest:
    """One manifest as it was when it was read."""

    stat: StatTuple
    seen_at: float  # monotonic
    members: Mapping[bytes, str]  # path relative to the source -> digest; none: it cannot be followed
    fault: str = ""
    arrived: datetime  # or somewhat earlier
    is_done: bool = False

    @property
    def weight(self) -> int:
        """How much of the room it holds: that of its members, and one that has none is not for nothing."""
        return max(len(self.members), 1)


class Manifests:
    """The manifests of one source, and what they say of its files."""

    def __init__(
        self, source: SourceSettings, root: Root, rules: PathRules, store: Store, *, room: int = ROOM
    ) -> None:
        self._source = source.name
        self._leaves = source.after != "keep"
        self._root = root
        self._rules = rules
        self._store = store
        self._room = room
        self._manifests: dict[bytes, _Manifest] = {}
        self._held = 0  # of the room
        self._naming: dict[bytes, set[bytes]] = {}  # member -> manifests
        self._differing: dict[bytes, tuple[StatTuple, frozenset[str]]] = {}  # members whose bytes were wrong

    def announces(self, path: bytes) -> bool:
        """True for the path of a manifest."""
        return self._rules.announces(path)

    def word_on(self, look: Look) -> Word:
        """Whether the file is named by a manifest that is there, and was not found to differ."""
        wanted = self._wanted(look.path)
        if not wanted:
            return Word(awaits=_UNLISTED)
        return Word(awaits=_DIFFERS) if self._differing.get(look.path) == (look.stat, wanted) else Word()

    def objection(self, taken: Taken) -> str:
        """Why the file is not the one that was announced, or nothing."""
        path, seen = taken.look
        wanted = self._wanted(path)
        if taken.sha256 in wanted:
            self._differing.pop(path, None)
            return ""
        if not wanted:
            return _UNLISTED
        if len(self._differing) >= self._room:
            self._differing.clear()
        self._differing[path] = (seen, wanted)
        return _DIFFERS

    def concerned(self, paths: Iterable[bytes]) -> list[Look]:
        """The manifests that name these files."""
        found = {manifest for path in paths for manifest in self._naming.get(path, ())}
        for path in found:
            self._manifests[path].is_done = False  # it is looked through anew
        return [Look(path, self._manifests[path].stat) for path in sorted(found)]

    def beside(self, look: Look) -> Look | None:  # noqa: ARG002  # as the protocol says
        """A manifest may speak for others too."""
        return None

    def spoken_of(self, path: bytes) -> Collection[bytes]:
        """Its members, also where it is known only from before a restart."""
        manifest, there = self._manifests.get(path), self._root.look(path)
        if manifest is None and there is not None:
            members, _ = self._parsed(Look(path, tuple_of(there))) or ({}, "")
        else:
            members = {} if manifest is None else manifest.members
        return members

    def hear(self, seen: Sequence[Look], now: Reading, quiet: float) -> Heard:
        """Which files the manifests name; each manifest is done with, waits for members, or is refused."""
        heard = Heard()
        for look in seen:
            manifest = self._manifests.get(look.path)
            if manifest is None or manifest.stat != look.stat:
                manifest = self._read(look, now)
                if manifest is None:  # it is another one by now, which will be seen
                    continue
                if not self._remember(look.path, manifest):
                    heard.waits.append(Waits(look, math.inf, _NO_ROOM))
                    continue
                heard.files += self._present(manifest.members)
            if manifest.fault:
                self._hear_fault(look, manifest, heard, due=manifest.seen_at + quiet, now=now)
            else:
                self._hear_members(look, manifest, heard)
        return heard

    def _hear_fault(self, look: Look, manifest: _Manifest, heard: Heard, *, due: float, now: Reading) -> None:
        if due > now.monotonic:
            heard.waits.append(Waits(look, due, f"a manifest that cannot be followed yet: {manifest.fault}"))
            return
        manifest.is_done = True
        heard.over.append(look.path)
        heard.refusals.append(
            Refusal(
                look=look, reason="manifest", message=f"the manifest cannot be followed: {manifest.fault}"
            )
        )

    def _hear_members(self, look: Look, manifest: _Manifest, heard: Heard) -> None:
        if manifest.is_done:
            heard.over.append(look.path)
            return
        missing, away = self._missing(manifest.members)
        manifest.is_done = not missing
        if missing:
            heard.waits.append(Waits(look, math.inf, _said(manifest, missing, self._lack)))
            return
        heard.over.append(look.path)
        if away:
            _log.warning("%s: %s: %s", self._source, show(look.path), _said(manifest, away, away.__getitem__))
        if self._leaves and self._has_served(manifest, away):
            heard.finished.append(look)

    def _has_served(self, manifest: _Manifest, away: Collection[bytes]) -> bool:
        """True when every member that did not land for good was delivered since the manifest came.

        One that came before its members were sent again is still to serve them.
        """
        landed = [path for path in manifest.members if path not in away]
        with self._store.read() as tx:
            standing = sightings.standing(tx, self._source, landed)
            tickets = [ticket_of(self._source, Look(path, standing[path].delivered)) for path in landed]
            return sum(d.since >= manifest.arrived for d in departures.find(tx, tickets)) == len(landed)

    def _wanted(self, path: bytes) -> frozenset[str]:
        """The digests that manifests which are there, as they were read, give for the file."""
        naming = ((manifest, self._manifests[manifest]) for manifest in self._naming.get(path, ()))
        return frozenset(m.members[path] for at, m in naming if self._root.shows(at, m.stat))

    def _missing(self, members: Mapping[bytes, str]) -> tuple[list[bytes], dict[bytes, str]]:
        """Those of `members` that are still to land, and what became of those that never will as they are."""
        with self._store.read() as tx:
            standing = sightings.standing(tx, self._source, list(members))
            lacking = [
                path
                for path, digest in members.items()
                if path not in standing or standing[path].sha256 != digest
            ]
            turned = turned_away(tx, self._source, lacking)
        away = {
            path: f"is turned away ({turned[path].reason})"
            for path in lacking
            if path in turned and self._is_over(path, turned[path], members)
        }
        return [path for path in lacking if path not in away], away

    def _is_over(self, path: bytes, away: Away, members: Mapping[bytes, str]) -> bool:
        """True where what was turned away is what the manifest speaks of."""
        if away.suppressed is not None:
            return away.suppressed == members[path]
        return self._root.shows(path, away.seen)

    def _lack(self, path: bytes) -> str:
        if not self._rules.takes(path) or self._rules.announces(path):
            return "is left alone by the rules of the source"
        if self._root.look(path) is None:
            return "is not there"
        return "has another digest" if path in self._differing else "is not settled"

    def _present(self, members: Iterable[bytes]) -> list[Look]:
        found = []
        for path in members:
            is_taken = self._rules.takes(path) and fits(self._source, path)  # the scan blocks longer ones
            there = self._root.look(path) if is_taken else None
            if there is not None and stat.S_ISREG(there.st_mode):
                found.append(Look(path, tuple_of(there)))
        return found

    def _read(self, look: Look, now: Reading) -> _Manifest | None:
        """The manifest as it is now, and nothing it said before holds; None when it is another one by now."""
        self.forget(look.path)
        found = self._parsed(look)
        if found is None:
            return None
        members, fault = found
        arrived = moment(min(look.stat.ctime_ns, now.wall_ns) // 1000)
        return _Manifest(stat=look.stat, seen_at=now.monotonic, arrived=arrived, members=members, fault=fault)

    def _parsed(self, look: Look) -> tuple[Mapping[bytes, str], str] | None:
        """What the manifest says, or why it cannot be followed; None when it is another one by now."""
        folder, slash, name = look.path.rpartition(b"/")
        try:
            data = self._bytes(folder, name, look.stat)
            named = {} if data is None else parse_manifest(data)
        except OSError:
            return None
        except ValueError as error:
            return {}, str(error)
        return None if data is None else ({folder + slash + path: d for path, d in named.items()}, "")

    def _bytes(self, folder: bytes, name: bytes, seen: StatTuple) -> bytes | None:
        """What the manifest holds, or a byte more than it may; None when it is not the one that was seen."""
        with self._root.folder(folder) as within:
            handle = open_foreign(name, self._store.path, folder=within)
        with open(handle, "rb") as file:  # noqa: PTH123  # a descriptor
            if tuple_of(os.fstat(handle)) != seen:
                return None
            data = file.read(LARGEST + 1)
            return data if tuple_of(os.fstat(handle)) == seen else None

    def _remember(self, path: bytes, manifest: _Manifest) -> bool:
        """The manifest is in force, where there is room."""
        if self._held + manifest.weight > self._room:
            for over in [
                at for at, m in self._manifests.items() if m.is_done or not self._root.shows(at, m.stat)
            ]:
                self.forget(over)
        if self._held + manifest.weight > self._room:
            return False
        self._manifests[path] = manifest
        self._held += manifest.weight
        for member in manifest.members:
            self._naming.setdefault(member, set()).add(path)
        return True

    def forget(self, path: bytes) -> None:
        """The manifest at this path, if one is known, holds no room, and nothing it said holds."""
        former = self._manifests.pop(path, None)
        if former is None:
            return
        self._held -= former.weight
        for member in former.members:
            self._naming[member].discard(path)
            if not self._naming[member]:
                del self._naming[member]
                self._differing.pop(member, None)


def _said(manifest: _Manifest, missing: Collection[bytes], why: Callable[[bytes], str]) -> str:
    """Which members have not landed, and why: some of them for all, for the others are not asked after."""
    named = "; ".join(f"{show(path)} {why(path)}" for path in islice(missing, _NAMED))
    more = "" if len(missing) <= _NAMED else "; …"
    return f"{len(missing)} of {len(manifest.members)} members have not landed: {named}{more}"
