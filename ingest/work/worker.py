"""A run of `ingest work`: whoever was taken for dead goes on under a new name."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass

from ingest.config import Settings
from ingest.errors import WorkerLost
from ingest.notices.giving import SILENT, Service
from ingest.store import presence
from ingest.store.engine import Store
from ingest.store.presence import Presence
from ingest.work.asking import Question
from ingest.work.beginning import begin
from ingest.work.enrol import chosen
from ingest.work.leftovers import subreaper
from ingest.work.listing import Listing
from ingest.work.outages import OUTAGES, PAUSE, Outage
from ingest.work.pool import Equipment, Pool
from ingest.work.rooms import Rooms
from ingest.work.spec import ProcessorSpec
from ingest.work.supervisor import Remaining, Stop, Supervisor, Wanted
from ingest.work.takeover import sweep, take_over

_log = logging.getLogger(__name__)

_FENCED = "fenced: this worker was taken for dead; it goes on under a new name"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSummary:
    """What a run of `work` did."""

    done: int
    dead: int
    retried: int
    crashed: int
    superseded: int
    seconds: float
    left: Remaining


def work(
    store: Store,
    settings: Settings,
    wanted: Wanted,
    *,
    stop: Stop,
    service: Service = SILENT,
    ended: Counter[str] | None = None,
) -> WorkSummary:
    """Processors work off what is due until `stop`, or with `once` until nothing is.

    A worker that was taken for dead while it was suspended goes on under a new
    identity, a service as soon as the surroundings let it. `service` is told
    how it goes, and `ended` counts what deliveries come to as they do. Raises
    `UsageError` where live workers use other settings, and whatever makes
    every child fail at its start.
    """
    began, ended = time.monotonic(), Counter() if ended is None else ended
    with subreaper():
        try:
            left = _work_as_one(store, settings, wanted, ended, stop, service)
        except WorkerLost:
            left = _work_under_new_names(store, settings, wanted, ended, stop, service)
    return WorkSummary(
        done=ended["done"],
        dead=ended["dead"],
        retried=ended["retrying"],
        crashed=ended["crashed"],
        superseded=ended["superseded"],
        seconds=time.monotonic() - began,
        left=left,
    )


def _work_under_new_names(
    store: Store, settings: Settings, wanted: Wanted, ended: Counter[str], stop: Stop, service: Service
) -> Remaining:
    """What is left in the end, however often it is taken for dead and whatever refuses it meanwhile."""
    outage = Outage(service.complain)  # there is no name yet under which the status could tell of it
    _log.warning(_FENCED)
    while True:
        try:
            return _work_as_one(store, settings, wanted, ended, stop, service)
        except WorkerLost:
            _log.warning(_FENCED)
            continue
        except OUTAGES as error:
            if wanted.once:
                raise
            outage.tell(error)
        if stop.is_set():
            return "nothing"
        service.turn()
        time.sleep(PAUSE)


def _work_as_one(
    store: Store, settings: Settings, wanted: Wanted, ended: Counter[str], stop: Stop, service: Service
) -> Remaining:
    """What is left when a worker of one identity has come to its end."""
    directory = presence.directory_of(store.path)
    take_over(store, directory, me="")
    sweep(store, directory)
    me = Presence(directory, "worker")
    listing = Listing(store, me, settings, service)
    try:
        return _work_listed(store, settings, wanted, listing, ended, stop)
    finally:
        listing.leave()
        me.leave()  # not reached when the store cannot be told: then the lock file tells that we died


def _work_listed(  # what a run consists of
    store: Store, settings: Settings, wanted: Wanted, listing: Listing, ended: Counter[str], stop: Stop
) -> Remaining:
    rooms = Rooms(listing.me.path.parent, listing.me.id)
    try:
        specs = begin(_question(settings, wanted, listing, rooms), listing, stop, once=wanted.once)
        if specs is None:
            return "nothing"
        pool = Pool(store, listing.me, _equipment(settings, wanted, specs), rooms, ended)
        supervisor = Supervisor(store, settings, wanted, listing, pool, stop)
        try:
            return supervisor.run()
        finally:
            supervisor.leave()
    finally:
        rooms.close()


def _question(settings: Settings, wanted: Wanted, listing: Listing, rooms: Rooms) -> Question:
    return Question(
        processors=chosen(settings, wanted.processors),
        local=wanted.processors_dir,
        limit=settings.work.start_timeout,
        owner=listing.me.id,
        room=rooms.make(0),
    )


def _equipment(settings: Settings, wanted: Wanted, specs: tuple[ProcessorSpec, ...]) -> Equipment:
    return Equipment(
        archive=settings.store.archive,
        processors=specs,
        processors_dir=wanted.processors_dir,
        start_timeout=settings.work.start_timeout.total_seconds(),
    )
