"""The supervisor of `ingest work`: runs no processor code, and sees to it that others do.

It beats the lease, fills generations, takes over from the dead, wakes a child
where something is due, and stops gracefully when asked. Children do not poll:
the supervisor sees at next to no cost that something was committed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ingest.config import Settings
from ingest.errors import IngestError
from ingest.store import filling, lanes, replays
from ingest.store.engine import Store
from ingest.work.enrol import chosen
from ingest.work.listing import Listing
from ingest.work.lookout import Lookout
from ingest.work.outages import OUTAGES, PAUSE, Outage
from ingest.work.pace import TICK, Pace
from ingest.work.pool import Pool

_log = logging.getLogger(__name__)

Remaining = Literal["nothing", "retries", "leases"]  # what keeps a run that ends from having done all

LOOK_AROUND = 1.0  # seconds between two searches for dead workers


class Stop(Protocol):
    """Asked now and then whether to stop; a second wish means at once."""

    def is_set(self) -> bool:
        """True when work should stop gracefully."""

    def is_urgent(self) -> bool:
        """True when it should stop at once."""

    def fileno(self) -> int:
        """Readable once it is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What this run of `work` is to do, besides what ingest.toml says."""

    processors: Sequence[str] = ()  # names; none means all
    once: bool = False
    wait_retries: bool = False
    limit: int | None = None
    processors_dir: Path | None = None


class Supervisor:
    """One worker: a pool of children, and what it knows of the work that is due."""

    def __init__(  # what a worker consists of
        self, store: Store, settings: Settings, wanted: Wanted, listing: Listing, pool: Pool, stop: Stop
    ) -> None:
        self._store, self._settings, self._wanted, self._listing = store, settings, wanted, listing
        self._pool, self._stop = pool, stop
        self._names = [p.name for p in chosen(settings, wanted.processors)]
        self._due = lanes.Due(now=(), next_at=None)
        self._fills: list[filling.Fill] = []
        self._looked_around_at = 0.0
        self._stopping_since: float | None = None
        self._asked_at = 0.0
        self._is_stop_untold = False  # to the list
        self._changes = store.changes()
        self._pace = Pace(self._changes)
        self._outage = Outage(listing.say)
        self._lookout = Lookout(store, listing.me, settings)

    def run(self) -> Remaining:
        """Supervise until stopped or, with `once`, until nothing is due, and what is left then."""
        while not self._is_over():
            self._listing.service.turn()
            try:
                self._round()
            except OUTAGES as error:
                self._sit_out(error)
        return self._left() if self._wanted.once else "nothing"

    def _tell_trouble(self) -> None:
        """What stands in the way of a child is told; the others go on."""
        trouble = self._pool.trouble()
        if trouble is None:
            self._outage.end()
        elif self._wanted.once:
            raise trouble
        else:
            self._outage.tell(trouble)

    def _sit_out(self, error: IngestError) -> None:
        """The surroundings refuse: a service waits until they do not; a run that is to end says so."""
        if self._wanted.once and not self._is_stopping:
            raise error
        self._outage.tell(error)
        time.sleep(TICK if self._is_stopping else PAUSE)

    def leave(self) -> None:
        """No process we brought about is left."""
        self._pool.close()
        self._changes.close()

    def _round(self) -> None:
        self._listen()
        if self._stop.is_set():
            self._ask_to_stop()
        self._pool.bury_dead(is_stopping=self._is_stopping)
        self._pool.end_overdue()
        self._beat()
        self._look_around()
        self._tell_trouble()
        if not self._stop.is_set():
            self._look()
            self._fill()
            self._employ()
            self._tell_ready()

    def _listen(self) -> None:
        """Until a child says something, or it is time to look again."""
        if not self._is_calm():
            self._pool.listen(min(self._pace.pause(), TICK))
            return
        until = min(self._pace.pause(), self._listing.next_at() - time.monotonic())
        if self._due.next_at is not None:
            until = min(until, (self._due.next_at - self._store.now()).total_seconds())
        self._pool.listen(max(until, 0.0), (self._stop.fileno(), *self._pace.prompts()))

    def _is_calm(self) -> bool:
        """True when there is nothing to see to but what is committed or due later."""
        is_staffed = self._pool.are_all_idle() and len(self._pool.children) >= self._most_children()
        return is_staffed and not (
            self._wanted.once or self._stop.is_set() or self._pool.has_news or self._fills
        )

    def _tell_ready(self) -> None:
        """Once every process is up, whoever started us knows."""
        service = self._listing.service
        if not service.is_ready and self._pool.are_all_up():
            service.say(f"working, processors: {len(self._names)}, processes: {len(self._pool.children)}")
            service.ready()

    @property
    def _is_stopping(self) -> bool:
        return self._stopping_since is not None

    def _is_over(self) -> bool:
        if self._stopping_since is not None:
            patience = self._settings.work.shutdown_timeout.total_seconds()
            is_late = time.monotonic() - self._stopping_since > patience
            return self._stop.is_urgent() or is_late or not self._pool.children
        if self._is_limit_reached():
            return not self._pool.children
        return self._wanted.once and self._is_drained()

    def _is_drained(self) -> bool:
        if self._pool.has_news or self._fills or self._due.now or not self._pool.are_all_idle():
            return False
        return not self._wanted.wait_retries or self._left() == "nothing"

    def _is_limit_reached(self) -> bool:
        return self._wanted.limit is not None and self._ended_in_all() >= self._wanted.limit

    def _ended_in_all(self) -> int:
        return sum(self._pool.ended.values()) - self._pool.ended["crashed"]

    def _left(self) -> Remaining:
        if self._due.next_at is not None:
            return "retries"
        with self._store.read() as tx:
            return "leases" if lanes.leased_elsewhere(tx, self._listing.me.id) else "nothing"

    def _beat(self) -> None:
        state = "stopping" if self._is_stopping else "active"
        self._listing.beat(state=state, at_once=self._pool.is_doubted or self._is_stop_untold)
        self._is_stop_untold = False

    def _look_around(self) -> None:
        if time.monotonic() - self._looked_around_at >= LOOK_AROUND:
            self._looked_around_at = time.monotonic()
            if self._lookout.look():
                self._pool.has_news = True

    def _ask_to_stop(self) -> None:
        """Every child is to stop; asked again each second, since a processor may not let it hear."""
        if self._stopping_since is None:
            _log.info("stopping: what runs is finished, nothing more is claimed")
            self._listing.service.stopping()
            self._stopping_since, self._asked_at, self._is_stop_untold = time.monotonic(), 0.0, True
        if time.monotonic() - self._asked_at >= LOOK_AROUND:
            self._asked_at = time.monotonic()
            self._pool.stop()

    def _look(self) -> None:
        """Know what is due, whenever something was committed or a retry's time has come."""
        is_time = self._due.next_at is not None and self._store.now() >= self._due.next_at
        if not (self._pace.has_moved() or self._pool.has_news or is_time):
            return
        self._pool.has_news = True  # until all of it was seen to: a look that is refused is made up for
        with self._store.read() as tx:
            self._fills = filling.unfilled(tx, self._names)
            self._due = lanes.due(tx, processors=self._names, now=self._store.now())
            is_finishable = replays.is_finishable(tx)
        if is_finishable:
            with self._store.write() as tx:
                replays.finish(tx, now=self._store.now())
        self._pool.has_news = False

    def _fill(self) -> None:
        if self._fills:
            with self._store.write() as tx:
                filling.fill_window(tx, self._fills[0], now=self._store.now())
            self._pool.has_news = True

    def _employ(self) -> None:
        """Where something is due, an idle child is woken or a missing one started; a service has them all."""
        idle = self._pool.idle()
        if self._due.now and idle is not None:
            idle.poke()
        elif (self._due.now or not self._wanted.once) and not self._is_limit_reached():
            self._start_missing()

    def _start_missing(self) -> None:
        limit = self._wanted.limit
        while len(self._pool.children) < self._most_children() and self._pool.may_start():
            self._pool.start_child(limit=None if limit is None else limit - self._ended_in_all())

    def _most_children(self) -> int:
        return 1 if self._wanted.limit is not None else self._settings.work.concurrency
