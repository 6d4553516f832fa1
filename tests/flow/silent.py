"""One worker's pool whose child is suspended between two deliveries; run as a program, in a project's folder.

A process of its own: a pool ends whatever its process has brought about.
"""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from pathlib import Path

from ingest.config import load
from ingest.store.opening import open_store
from ingest.store.presence import Presence, directory_of
from ingest.work.asking import ask_now
from ingest.work.enrol import enrol
from ingest.work.listing import Listing
from ingest.work.pool import Equipment, Pool
from ingest.work.rooms import Rooms
from ingest.work.spawned import Child


def main() -> None:
    """Say how the child was lost, and that another one works."""
    logging.basicConfig(format="%(message)s")
    settings = load(Path("ingest.toml"), env={})
    found = ask_now(settings.processors, local=None, limit=settings.work.start_timeout)
    with (
        open_store(settings.store.url, Path(".ingest")) as store,
        Presence(directory_of(store.path), "worker") as me,
    ):
        pairs = [(p, found[p.name]) for p in settings.processors]
        specs = Listing(store, me, settings).enter(lambda tx, now: enrol(tx, pairs, now=now))
        rooms = Rooms(me.path.parent, me.id)
        equipment = Equipment(
            archive=settings.store.archive,
            processors=specs,
            processors_dir=None,
            start_timeout=settings.work.start_timeout.total_seconds(),
            silence=1.5,
        )
        pool = Pool(store, me, equipment, rooms, Counter())
        suspended = idle_child(pool)
        os.kill(suspended.process.pid, signal.SIGSTOP)
        suspended.poke()
        while pool.children:
            look_after(pool)
        print(idle_child(pool).process.pid != suspended.process.pid, dict(+pool.ended))
        pool.close()
        rooms.close()


def idle_child(pool: Pool) -> Child:
    """A new child that waits for work."""
    pool.start_child(limit=None)
    while (child := pool.idle()) is None:
        look_after(pool)
    return child


def look_after(pool: Pool) -> None:
    """What a supervisor does again and again."""
    pool.listen(0.05)
    pool.end_overdue()
    pool.bury_dead(is_stopping=False)


if __name__ == "__main__":
    main()
