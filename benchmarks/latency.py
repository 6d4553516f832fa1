"""From the rename of a file to the outcome that stands, on a system with nothing else to do.

`ingest watch` and `ingest work` run; files are renamed into the inbox one at a
time, at random moments, and each is waited for. The store is asked a thousand
times a second whether the outcome is committed. The reference is what we aim
at; `detail` has where the time goes, by the times that the store keeps.
"""

import random
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.corpus import write_files
from benchmarks.measure import Measure, Report
from benchmarks.project import Process, Project, new_project, wait_until

_DROPS = 200
_GAP = (0.05, 0.35)  # seconds between an outcome and the next drop
_LOOK_EVERY = 0.001  # seconds
_AIMS = {"p50": 0.040, "p99": 0.150}  # seconds
_SEED = 20260301
_KEPT = """
select e.time / 1e6, o.started_at / 1e6, o.ended_at / 1e6
from outcomes o join events e on e.position = o.position order by o.position
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The moments of one drop, in seconds since 1970."""

    renamed: float
    landing: float  # the transaction that lands it began
    started: float  # the processor
    ended: float  # the transaction that settles it began
    seen: float  # the outcome is committed


def run(scale: float, directory: Path) -> Report:
    """Drop every file and give the latencies."""
    project = new_project(directory / "project", function="count")
    files = write_files(project.root / "outside", round(_DROPS * scale) + 1)
    project.run("watch", "--once")
    project.run("work", "--once")
    with project.running("watch") as watcher, project.running("work") as worker:
        moments = list(_drops(project, files, (watcher, worker)))[1:]  # the first one finds nothing warm
    with _asking(project) as store:
        kept = store.execute(_KEPT).fetchall()[1:]
    return _report(
        [
            Times(renamed=a, seen=b, landing=k[0], started=k[1], ended=k[2])
            for (a, b), k in zip(moments, kept, strict=True)
        ]
    )


def _drops(
    project: Project, files: Sequence[Path], running: Sequence[Process]
) -> Iterator[tuple[float, float]]:
    """When each file was renamed, and when its outcome was seen."""
    chance = random.Random(_SEED)
    with _asking(project) as store:
        for number, file in enumerate(files, 1):
            time.sleep(chance.uniform(*_GAP))
            file.rename(project.inbox / file.name)
            renamed = time.time()
            wait_until(partial(_has, store, number), among=running, every=_LOOK_EVERY)
            yield renamed, time.time()


@contextmanager
def _asking(project: Project) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{project.store}?mode=ro", uri=True)) as store:
        yield store


def _has(store: sqlite3.Connection, outcomes: int) -> bool:
    return int(store.execute("select count(*) from counted").fetchone()[0]) >= outcomes


def _report(times: Sequence[Times]) -> Report:
    taken = [t.seen - t.renamed for t in times]
    steps = {
        "rename_to_landing_ms": [t.landing - t.renamed for t in times],
        "landing_to_start_ms": [t.started - t.landing for t in times],
        "run_ms": [t.ended - t.started for t in times],
        "settling_ms": [t.seen - t.ended for t in times],
    }
    return Report(
        measures=[
            Measure(
                name=f"rename to outcome, {name}",
                unit="ms",
                figure=_at(taken, int(name[1:]) / 100) * 1000,
                reference="the aim",
                reference_figure=aim * 1000,
                target="ratio <= 1",
            )
            for name, aim in _AIMS.items()
        ],
        detail={
            "drops": len(times),
            "longest_ms": max(taken) * 1000,
            **{name: statistics.median(parts) * 1000 for name, parts in steps.items()},
        },
    )


def _at(taken: Sequence[float], share: float) -> float:
    """The time within which this share of the drops was through."""
    return sorted(taken)[min(int(len(taken) * share), len(taken) - 1)]
