"""A file is whole when a marker beside it says so: `x.csv` waits for `x.csv.done`, whichever comes first.

A marker written after the file's last change speaks for it at once. One that
is older came first: then the file must also be quiet, and only at a path where
nothing has landed yet. Else the marker that once announced a file would
announce whatever is sent there later, half written or not.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Collection, Iterable, Sequence

from ingest.config import SourceSettings
from ingest.domain.settling import Reading
from ingest.domain.showing import show
from ingest.store import sightings
from ingest.store.engine import Store
from ingest.store.sightings import Look
from ingest.watch.announced.announcing import Heard, Waits, Word
from ingest.watch.landing.take import Taken
from ingest.watch.seeing.root import Root, tuple_of
from ingest.watch.seeing.rules import PathRules


class Markers:
    """The markers of one source, and what they say of its files."""

    def __init__(self, source: SourceSettings, root: Root, rules: PathRules, store: Store) -> None:
        self._source = source.name
        self._root = root
        self._rules = rules
        self._store = store
        self._before, _, self._after = os.fsencode(source.marker).partition(b"{name}")

    def announces(self, path: bytes) -> bool:
        """True for the path of a marker."""
        return self._rules.announces(path)

    def word_on(self, look: Look) -> Word:
        """What the marker of the file says of it."""
        folder, slash, name = look.path.rpartition(b"/")
        marker = self._before + name + self._after
        found = self._root.look(folder + slash + marker)
        if found is None or not stat.S_ISREG(found.st_mode):
            return Word(awaits=f"waiting for its marker {show(marker)}")
        if found.st_ctime_ns >= look.stat.ctime_ns:
            return Word(is_whole=True)
        if self._landed([look.path]):
            return Word(awaits=f"its marker {show(marker)} is older than the file: waiting for a new one")
        return Word()

    def hear(self, seen: Sequence[Look], now: Reading, quiet: float) -> Heard:  # noqa: ARG002  # as the protocol says
        """Which files the markers announce, and which markers wait for a file that never came."""
        heard, lonely = Heard(), dict[bytes, Look]()
        for marker in seen:
            path = self._announced_by(marker.path)
            found = self._root.look(path)
            if found is None and self._rules.takes(path):
                lonely[path] = marker
                continue
            heard.over.append(marker.path)
            if found is not None and stat.S_ISREG(found.st_mode) and self._rules.takes(path):
                heard.files.append(Look(path, tuple_of(found)))
        known = self._landed(list(lonely)) if lonely else set()
        for path, marker in lonely.items():
            if path in known:  # it landed, and was taken away
                heard.over.append(marker.path)
            else:
                name = show(path.rpartition(b"/")[2])
                heard.waits.append(Waits(marker, math.inf, f"a marker whose file {name} has not come"))
        return heard

    def objection(self, taken: Taken) -> str:  # noqa: ARG002  # as the protocol says
        """A marker says nothing of the bytes."""
        return ""

    def beside(self, look: Look) -> Look | None:
        """Its marker, as it is now; should it be that of the next file, it waits for that one to leave."""
        folder, slash, name = look.path.rpartition(b"/")
        path = folder + slash + self._before + name + self._after
        found = self._root.look(path)
        if found is None or not stat.S_ISREG(found.st_mode):
            return None
        return Look(path, tuple_of(found))

    def spoken_of(self, path: bytes) -> Collection[bytes]:
        """The path of its file."""
        return (self._announced_by(path),)

    def forget(self, path: bytes) -> None:
        """Nothing a marker says is remembered."""

    def concerned(self, paths: Iterable[bytes]) -> list[Look]:  # noqa: ARG002  # as the protocol says
        """A marker has nothing more to say of a file that has come."""
        return []

    def _announced_by(self, path: bytes) -> bytes:
        folder, slash, name = path.rpartition(b"/")
        return folder + slash + name.removeprefix(self._before).removesuffix(self._after)

    def _landed(self, paths: Sequence[bytes]) -> set[bytes]:
        with self._store.read() as tx:
            return set(sightings.standing(tx, self._source, paths))
