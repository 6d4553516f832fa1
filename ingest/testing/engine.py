"""One worker in the process of a test: it works off all that is due, as `ingest work --once` does.

Nothing is put between the processor and its process: timeouts and memory
limits are the supervisor's, so they do not hold here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

from ingest.archive import Archive
from ingest.config import Settings
from ingest.contract import Processor
from ingest.store import filling, lanes, presence, replays, workers
from ingest.store.engine import Store
from ingest.store.presence import Presence
from ingest.work.cycle import Cycle
from ingest.work.declared import Declared
from ingest.work.enrol import enrol
from ingest.work.outfit import Assignment, fit_out
from ingest.work.spec import ProcessorSpec
from ingest.work.stage import Stage, Unkept
from ingest.work.takeover import take_over
from ingest.work.trade import Trade

_KIND = "worker"
_LEASE = timedelta(hours=1)
_GLANCE = 0.005  # seconds


def know(store: Store, settings: Settings, processors: Mapping[str, Processor]) -> tuple[ProcessorSpec, ...]:
    """The processors are subscribed and their tables stand."""
    for each in settings.processors:
        processors[each.name].check_options(each.name, each.options)
    found = [
        (each, Declared.of(processors[each.name], each.name, each.options)) for each in settings.processors
    ]
    with store.write() as tx:
        return enrol(tx, found, now=store.now())


def work_off(store: Store, settings: Settings, processors: Mapping[str, Processor]) -> None:
    """Everything is worked off, replays and retries included; what a dead worker ran is charged first."""
    directory = presence.directory_of(store.path)
    take_over(store, directory, me="")
    specs = know(store, settings, processors)
    trades = {spec.name: Trade.of(spec, processors[spec.name]) for spec in specs}
    with Presence(directory, _KIND) as me:
        with store.write() as tx:
            workers.enlist(tx, workers.this_process(me), lease=_LEASE, now=store.now())
        cycle = fit_out(
            store,
            Archive(store, settings.store.archive),
            trades,
            stage=Stage(board=me.board, slot=0, keeper=Unkept()),
            assignment=Assignment(worker=me.id, child=1),
        )
        while _has_more(store, list(trades), cycle):
            pass
        cycle.release()
        with store.write() as tx:
            workers.retire(tx, me.id, now=store.now())


def _has_more(store: Store, names: list[str], cycle: Cycle) -> bool:
    """Fill, work, finish replays, wait for a retry: one of them, and whether there may be more."""
    with store.write() as tx:
        fills = filling.unfilled(tx, names)
        if fills:
            filling.fill_window(tx, fills[0], now=store.now())
            return True
    if cycle.turn():
        return True
    with store.write() as tx:
        replays.finish(tx, now=store.now())
        due = lanes.due(tx, processors=names, now=store.now())
    if due.next_at is not None:
        time.sleep(_GLANCE)
    return bool(due.now) or due.next_at is not None
