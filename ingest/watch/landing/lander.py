"""Files that count as complete are taken and land in batches: one commit for hundreds of small ones.

A batch closes when it is large enough or some milliseconds old, so a single
file lands at once. Large files reach the disk before the commit that names them.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ingest.archive import Abandoned, Staged
from ingest.config import SourceSettings
from ingest.domain.showing import show
from ingest.errors import CannotWrite
from ingest.store.sightings import Look
from ingest.store.sources import Counts
from ingest.watch.landing import drafts
from ingest.watch.landing.admission import Admission
from ingest.watch.landing.drafts import Origin
from ingest.watch.landing.land import Shows, land
from ingest.watch.landing.take import Manner, NotTaken, Taken, take
from ingest.watch.seeing.root import Root
from ingest.watch.seeing.scan import Refusal
from ingest.watch.watcher import Watcher

_log = logging.getLogger(__name__)

BATCH_FILES = 512
BATCH_BYTES = 8 << 20  # of small contents
BATCH_SECONDS = 0.05


@dataclass(slots=True)
class LandingResult:
    """What came of the files that were to land."""

    counts: Counts = field(default_factory=Counts)
    done: list[Look] = field(default_factory=list)  # about which nothing is left to do but, perhaps, to leave
    left: list[NotTaken] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)  # which are still to be stated
    complete: str = ""  # how completeness of the last one was established

    def turn_away(self, found: NotTaken | Refusal) -> None:
        """A file that was not taken is among those left, or refused."""
        if isinstance(found, NotTaken):
            self.left.append(found)
        else:
            self.refusals.append(found)


class Lander:
    """Lands the files of one source."""

    def __init__(self, watcher: Watcher, source: SourceSettings, origin: Origin, root: Root) -> None:
        self._watcher = watcher
        self._origin = origin
        self._root = root
        self._leaves = source.after != "keep"
        self.manner = Manner(
            archive=watcher.archive,
            inline_max=watcher.settings.store.inline_max,
            owner=watcher.owner,
            should_stop=watcher.should_stop,
            complete=source.complete,
            leases=False,
            admission=Admission(source),
        )

    def land(self, looks: Sequence[Look]) -> LandingResult:
        """Each of `looks` has landed, or is left with the reason; fewer when the watcher is to stop.

        Raises `CannotWrite`, `TryAgain` or `StoreUnusable` when the store
        does not take a batch; nothing is half done then.
        """
        landed = LandingResult()
        batch = _Batch()
        try:
            for found in self._taken(looks):
                if isinstance(found, Taken):
                    batch.add(found)
                else:
                    landed.turn_away(found)
                if batch.is_full():
                    self._commit(batch, landed)
                    batch = _Batch()
            self._commit(batch, landed)
        except BaseException:
            self._watcher.archive.objects.discard(batch.staged)
            raise
        return landed

    def land_stray(self, private: bytes, look: Look) -> LandingResult:
        """The file that lies at `private` has landed as `look` says, or has not; raises as `land` does."""
        landed = LandingResult()
        try:
            with self._root.folder(private.rpartition(b"/")[0]) as handle:
                found = take(handle, look, self.manner, name=private.rpartition(b"/")[2])
        except Abandoned:
            return landed
        if isinstance(found, Taken):
            batch = _Batch()
            batch.add(found)
            self._commit(batch, landed, shows=lambda _, stat: self._root.shows(private, stat))
        else:
            landed.turn_away(found)
        return landed

    def _taken(self, looks: Sequence[Look]) -> Iterator[Taken | NotTaken | Refusal]:
        for folder, group in groupby(looks, key=lambda look: look.path.rpartition(b"/")[0]):
            together = list(group)
            try:
                handle = self._root.open_folder(folder)
            except OSError as error:  # it went, or was swapped for something else; the next scan tells
                yield from (NotTaken(look, "gone", str(error.strerror)) for look in together)
                continue
            try:
                for look in together:
                    if self._watcher.should_stop():
                        return
                    yield self._compared(take(handle, look, self.manner))
            except Abandoned:
                return
            finally:
                os.close(handle)

    def _compared(self, found: Taken | NotTaken | Refusal) -> Taken | NotTaken | Refusal:
        """What was found, unless its bytes are not those that were announced."""
        if self.manner.objection is None or not isinstance(found, Taken):
            return found
        objection = self.manner.objection(found)
        if not objection:
            return found._replace(marker=self._marker(found.look))
        if found.staged is not None:
            self._watcher.archive.objects.discard([found.staged])
        return NotTaken(found.look, "not as announced", objection)

    def _marker(self, look: Look) -> Look | None:
        return self.manner.beside(look) if self._leaves and self.manner.beside is not None else None

    def _commit(self, batch: _Batch, landed: LandingResult, *, shows: Shows | None = None) -> None:
        taken = batch.taken
        try:
            self._watcher.archive.objects.store(batch.staged, should_stop=self._watcher.should_stop)
        except Abandoned:  # the next start finds them again
            taken = [t for t in taken if t.staged is None]
        except CannotWrite as error:
            landed.left += [
                NotTaken(t.look, "unwritable", error.message) for t in taken if t.staged is not None
            ]
            taken = [t for t in taken if t.staged is None]
        if not taken:
            return
        ahead = drafts.ahead(self._origin, taken, now=self._watcher.clock.now())
        with self._watcher.store.write() as tx:
            came = land(
                tx,
                self._origin,
                shows or self._root.shows,
                taken,
                leaves=self._leaves,
                now=self._watcher.clock.now(),
                ahead=ahead,
            )
            self._watcher.archive.expect(tx, came.objects_again)
        counts = came.counts
        landed.counts += counts
        for path, said in came.turned_away:
            _log.warning("%s: %s: %s", self._origin.name, show(path), said)
        landed.done += [t.look for t in taken]
        landed.done += [t.marker for t in taken if t.marker is not None]
        landed.complete = taken[-1].complete
        _log.info("%s: %d landed, %d delivered again", self._origin.name, counts.landed, counts.redelivered)
        if _log.isEnabledFor(logging.DEBUG):
            for t in taken:
                _log.debug("%s: took %s, %s", self._origin.name, show(t.look.path), t.sha256)


class _Batch:
    """Files that are to land in one transaction."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self._bytes = 0
        self._closes_at = time.monotonic() + BATCH_SECONDS

    @property
    def staged(self) -> list[Staged]:
        return [t.staged for t in self.taken if t.staged is not None]

    def add(self, taken: Taken) -> None:
        self.taken.append(taken)
        if taken.data is not None:
            self._bytes += len(taken.data)

    def is_full(self) -> bool:
        return (
            len(self.taken) >= BATCH_FILES
            or self._bytes >= BATCH_BYTES
            or time.monotonic() >= self._closes_at
        )
