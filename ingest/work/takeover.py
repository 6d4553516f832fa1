"""Taking over from workers that died: on this host at once, elsewhere when their lease has run out."""

from __future__ import annotations

import logging
import random
import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from ingest.store import crashes, presence, workers
from ingest.store.engine import Store, Tx
from ingest.work import rooms
from ingest.work.leftovers import end_descendants

_log = logging.getLogger(__name__)


def take_over(store: Store, directory: Path, *, me: str) -> int:
    """What dead workers held is ready again, what they ran is charged; how many there were."""
    is_dead = partial(_is_dead, directory)
    with store.read() as tx:
        if not [id_ for id_ in workers.gone(tx, is_dead=is_dead, now=store.now()) if id_ != me]:
            return 0
    began = time.monotonic()
    with store.write() as tx:
        # Whoever waited for the lock as long as we did could not beat: the wait is not held against it.
        waited = timedelta(seconds=time.monotonic() - began)
        gone = [id_ for id_ in workers.gone(tx, is_dead=is_dead, now=store.now() - waited) if id_ != me]
        buried = [id_ for id_ in gone if workers.bury_worker(tx, id_)]
        for worker in buried:
            _release(tx, directory, worker, now=store.now())
    for worker in buried:
        _log.warning("took over from %s, which died", worker)
    if buried:
        sweep(store, directory)
    return len(buried)


def sweep(store: Store, directory: Path) -> None:
    """Nothing is left of workers and watchers of this host that ended without clearing up.

    Who is listed as living and is dead is to be taken over first; who is
    merely suspended looks after its own.
    """
    for worker in presence.abandoned(directory):
        with store.read() as tx:
            is_to_be_taken_over = workers.is_live(tx, worker)
        if not is_to_be_taken_over:
            _clear_up(directory, worker)
            presence.forget(directory, worker)


def _clear_up(directory: Path, worker: str) -> None:
    """Nothing is left of what the processors of a dead worker began: no process, no temporary file."""
    if left := end_descendants(worker):
        _log.warning("ended %d processes that its processors had left behind", left)
    rooms.clear(directory, worker)


def _release(tx: Tx, directory: Path, worker: str, *, now: datetime) -> None:
    ran = presence.last_words(directory, worker)
    error, jitter = "its worker died while it ran", random.random()  # noqa: S311  # spreads retries
    if ran is None:
        crashes.charge_all(tx, worker, error=error, jitter=jitter, now=now)
    crashes.release(tx, worker, None, ran or [], error=error, jitter=jitter, now=now)


def _is_dead(directory: Path, worker: str, host: str) -> bool:
    return host == presence.host() and presence.is_dead(directory, worker)
