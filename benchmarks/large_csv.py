"""One payments file of a million rows, 100 MB, booked without facts: how fast, and in how much memory.

The reference reads the same file with `csv` and books it with one
`executemany` into a table with the same columns and indexes, in one
transaction at `synchronous=FULL`. It checks nothing, keeps no bytes and
cannot be asked what it did. Ours is `ingest work --once`, less what it takes
where nothing is due. Both take turns.
"""

import csv
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bulk import HEADER
from benchmarks.looking import LOOK_EVERY, looking, looking_at_memory
from benchmarks.measure import HERE, Cost, Measure, Report, median, product_sqlite, stopwatch
from benchmarks.project import Project, must_be, new_project

_ROWS = 1_000_000
_ROUNDS = 3
_MB = 1_000_000
_EVENT = "0" * 64  # as long as the id of an event


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What booking took, the largest resident sizes in bytes, and how long the write lock was held."""

    cost: Cost
    supervisor: int
    child: int
    locked: float  # seconds


def run(scale: float, directory: Path) -> Report:
    """Measure the reference and ours over the same file, three times, in turn."""
    return compared(scale, directory, _project, memory=150.0)


def compared(scale: float, directory: Path, make: Callable[[Path], Project], *, memory: float) -> Report:
    """Measure the reference and the project that `make` sets up; `memory` is the bound in MB."""
    count = round(_ROWS * scale)
    file = directory / "payments.csv"
    _write_payments(file, count)
    theirs, ours = [], []
    for number in range(_ROUNDS):
        theirs.append(_csv_and_executemany(directory / f"plain-{number}.db", file, count))
        ours.append(_booked(make(directory / f"project-{number}"), file, count))
    return _report(count, file.stat().st_size, ours, theirs, memory=memory)


def _write_payments(path: Path, count: int) -> None:
    with path.open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for n in range(count):
            day = f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}"
            amount = f"{n % 100_000}.{n % 100:02}"
            row = f"PAY-{n:012}", f"DE{n % 5000:020}", amount, "EUR", day, f"Payer {n % 9999:06} Ltd"
            writer.writerow((*row, f"Invoice {n:010} of this month"))


def _csv_and_executemany(path: Path, file: Path, count: int) -> Cost:
    columns = [*HEADER, "extra", "event_id"]
    with closing(product_sqlite().connect(path, isolation_level=None)) as store, stopwatch(HERE) as taken:
        for statement in (
            "pragma journal_mode = wal",
            "pragma synchronous = full",
            f"create table payments ({', '.join(f'{name} text not null' for name in columns)})",
            "create index by_event on payments (event_id)",
            "create unique index by_id on payments (payment_id)",
            "begin immediate",
        ):
            store.execute(statement)
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            next(reader)
            places = ", ".join("?" * len(columns))
            store.executemany(
                f"insert into payments values ({places})", ((*row, "{}", _EVENT) for row in reader)
            )
        store.execute("commit")
        cost = taken()
        must_be(store.execute("select count(*) from payments").fetchone()[0], count, "rows of the reference")
    return cost


def _booked(project: Project, file: Path, count: int) -> Ours:
    idle = project.run("work", "--once").cost
    shutil.copy(file, project.root / "inbox" / file.name)
    project.run("watch", "--once")
    with looking_at_memory() as peaks, _looking_at_lock(project) as held:
        busy = project.run("work", "--once")
    must_be(busy.document["done"], 1, "deliveries")
    with closing(sqlite3.connect(f"file:{project.store}?mode=ro", uri=True)) as store:
        must_be(store.execute("select count(*) from payments").fetchone()[0], count, "rows")
    return Ours(cost=busy.cost - idle, locked=max(held, default=0.0), **peaks)


def _project(root: Path) -> Project:
    project = new_project(root, function="bulk")
    shutil.copy(Path(__file__).with_name("bulk.py"), root / "processors" / "bulk.py")
    config = root / "ingest.toml"
    config.write_text(config.read_text().replace("processors.trivial:bulk", "processors.bulk:bulk"))
    project.run("watch", "--once")  # makes the store
    return project


@contextmanager
def _looking_at_lock(project: Project) -> Iterator[list[float]]:
    """Try to write all the while; every span in seconds for which somebody else did not let us."""
    spans: list[float] = []
    is_over = threading.Event()

    def look() -> None:
        with closing(product_sqlite().connect(project.store, timeout=0, isolation_level=None)) as store:
            free = time.perf_counter()
            while not is_over.wait(LOOK_EVERY):
                try:
                    store.execute("begin immediate")
                    store.execute("rollback")
                except product_sqlite().OperationalError:
                    continue
                finally:
                    now = time.perf_counter()
                spans.append(now - free)
                free = now

    with looking(look, is_over):
        yield spans


def _report(count: int, size: int, ours: Sequence[Ours], theirs: Sequence[Cost], *, memory: float) -> Report:
    cost, reference_cost = median([round_.cost for round_ in ours]), median(theirs)
    supervisor, child = max(o.supervisor for o in ours), max(o.child for o in ours)
    return Report(
        measures=[
            Measure(
                name="rows",
                unit="rows/s",
                figure=cost.rate(count),
                reference="csv and one executemany, synchronous=FULL",
                reference_figure=reference_cost.rate(count),
                target="ratio >= 0.5",
            ),
            Measure(
                name="memory of supervisor and child",
                unit="MB",
                figure=(supervisor + child) / _MB,
                reference="the bound",
                reference_figure=memory,
                target="ratio <= 1",
            ),
        ],
        detail={
            "rows": count,
            "file_mb": size / _MB,
            "rounds": _ROUNDS,
            "rows_per_s": [round(o.cost.rate(count)) for o in ours],
            "reference_per_s": [round(c.rate(count)) for c in theirs],
            "cpu_s": [round(o.cost.cpu, 2) for o in ours],
            "reference_cpu_s": [round(c.cpu, 2) for c in theirs],
            "child_mb": child / _MB,
            "supervisor_mb": supervisor / _MB,
            "write_lock_held_s": [round(o.locked, 2) for o in ours],
        },
    )
