"""Four processes that write at once: how evenly the write lock goes round, and how long one waits for it.

Each appends short batches of events for the same while, as watchers and
workers do. The reference is the fastest of the four. `detail` has the waits
for the lock; the commit that the lock is held for is not part of a wait.
"""

import multiprocessing
import time
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Measure, Report
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from ingest.store.outbox import Draft, append

_WRITERS = 4
_SECONDS = 10.0
_BATCH = 20  # events in a transaction
_BODY = '{"data":"' + "x" * 600 + '"}'


class Turn(NamedTuple):
    """What one writer came to."""

    commits: int
    waits: list[float]  # seconds for the lock, sorted


def run(scale: float, directory: Path) -> Report:
    """Let all writers begin at once, and compare what each committed."""
    url = f"sqlite:///{directory}/contention.db"
    create_or_upgrade(url)
    spawned = multiprocessing.get_context("spawn")
    turns: Queue[Turn] = spawned.Queue()
    start = spawned.Barrier(_WRITERS)
    writers = [
        spawned.Process(target=_write, args=(url, number, _SECONDS * scale, start, turns))
        for number in range(_WRITERS)
    ]
    for writer in writers:
        writer.start()
    found = sorted(turns.get() for _ in writers)
    for writer in writers:
        writer.join()
    waits = sorted(wait for turn in found for wait in turn.waits)
    slowest = Measure(
        name="slowest of four writers",
        unit="commits",
        figure=found[0].commits,
        reference="fastest of four writers",
        reference_figure=found[-1].commits,
        target="ratio >= 0.4",
    )
    detail = {
        "longest_wait_ms": waits[-1] * 1000,
        "longest_wait_target_ms": "<= 300 on a quiet disk",
        "p99_wait_ms": waits[len(waits) * 99 // 100] * 1000,
        "median_wait_ms": waits[len(waits) // 2] * 1000,
        "events_in_a_commit": _BATCH,
    }
    return Report(measures=[slowest], detail=detail)


def _write(url: str, number: int, seconds: float, start: Barrier, turns: "Queue[Turn]") -> None:
    waits: list[float] = []
    with open_store(url) as store:
        start.wait()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            drafts = _drafts(f"{number}-{len(waits)}")
            begun = time.monotonic()
            with store.write() as tx:
                waits.append(time.monotonic() - begun)
                append(tx, drafts, now=drafts[0].time)
    turns.put(Turn(len(waits), sorted(waits)))


def _drafts(name: str) -> list[Draft]:
    now = datetime.now(UTC)
    return [
        Draft(id=f"{name}-{n}", type="bench.appended.v1", key=f"{n}", time=now, body=_BODY, origin="bench")
        for n in range(_BATCH)
    ]
