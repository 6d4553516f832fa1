"""What claiming one lane on a PostgreSQL server costs, by how much waits behind one hot key that is leased.

Half of what waits is behind that key, and a claim looks there first. The
figure is the time of the whole claiming transaction but its commit, since the
server, not this process, does the work. `detail` has how large the two tables
that deliveries go through have become after all of them were worked off, beside
their size when most waited: what vacuuming has to hold.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.backlog import Backlog, new_backlog_at
from benchmarks.measure import Measure, Report
from benchmarks.project import must_be
from tests import server
from tests.server import Server

_WAITING = (10_000, 1_000_000)
_REPETITIONS = 200
_QUEUE = 10_000  # deliveries that wait at most while a million go through


@dataclass(slots=True)
class Case:
    """One database to claim from, and what its claims took, in milliseconds."""

    backlog: Backlog
    took: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """One lane was claimed, and let go again."""
        with self.backlog.store.write() as tx:
            begun = time.perf_counter()
            self.backlog.due(tx)
            started = self.backlog.claim(tx, 1)
            self.took.append((time.perf_counter() - begun) * 1e3)
        must_be(len(started), 1, "lanes claimed")
        self.backlog.release()


def run(scale: float, directory: Path) -> Report:
    """Claim in turn behind few and behind many, then let a million through."""
    own = server.new("autovacuum_naptime=10s")
    own.start()
    counts = [round(count * scale) for count in _WAITING]
    try:
        with ExitStack() as stack:
            cases = [_case(stack, own, directory, count) for count in counts]
            for _ in range(_REPETITIONS):
                for case in cases:
                    case.measure()
        sizes = _let_through(own, directory, counts[-1], round(_QUEUE * scale))
    finally:
        own.stop()
    few, many = (median(case.took) for case in cases)
    measures = [
        Measure(
            name=f"claim, {counts[1]} waiting behind a hot key",
            unit="ms",
            figure=many,
            reference=f"{counts[0]} waiting behind one",
            reference_figure=few,
            target="ratio <= 2",
        ),
        Measure(
            name=f"lanes and deliveries after {counts[1]} went through",
            unit="MB",
            figure=sizes[1] / 1e6,
            reference=f"with {round(_QUEUE * scale)} waiting in them, at first",
            reference_figure=sizes[0] / 1e6,
            target="ratio < 10",
        ),
    ]
    return Report(measures=measures, detail={"repetitions": _REPETITIONS})


def _case(stack: ExitStack, own: Server, directory: Path, count: int) -> Case:
    name = f"waiting_{count}"
    own.run(f"CREATE DATABASE {name}")
    backlog = stack.enter_context(new_backlog_at(own.url(name), directory))
    backlog.append(count // 2, key="hot")
    backlog.lease_first()
    backlog.append(count - count // 2)
    return Case(backlog)


def _let_through(own: Server, directory: Path, count: int, queue: int) -> Sequence[int]:
    """Bytes of the tables with `queue` waiting, and after `count` went through with so many at most."""
    own.run("CREATE DATABASE through")
    size = "SELECT pg_total_relation_size('lanes') + pg_total_relation_size('deliveries')"
    with new_backlog_at(own.url("through"), directory) as backlog:
        backlog.append(queue)
        [(first,)] = own.run(size, "through")
        done = 0
        while done < count:
            done += backlog.work_off(hold=500, a_commit=500)
            backlog.append(queue)
        [(last,)] = own.run(size, "through")
    return first, last
