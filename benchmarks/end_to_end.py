"""Landing and working at once: files renamed into an inbox until every outcome is there.

The product runs as its two commands, with one worker child. The reference is a
loop over litequeue, at `synchronous=FULL` in place of its NORMAL: for each file
a row in a registry, put, pop, count and hash, a row with the result, done; five
commits. Its files lie ready, and it archives nothing. The other reference is
what one would write in five lines: a bare loop that reads each file, hashes it
and checks its rows, and keeps nothing. All take turns, and the rates of each
round are given, so that a disk that changes its pace shows.
"""

import csv
import hashlib
import io
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.corpus import write_files
from benchmarks.measure import BELOW, HERE, Cost, Measure, Report, median, reference, stopwatch
from benchmarks.project import Process, Project, must_be, new_project, wait_until

_FILES = 10_000
_ROUNDS = 5
_REGISTRY = "create table registry (path text primary key, size integer, seen_at integer)"
_RESULTS = "create table results (path text primary key, rows integer, digest text)"
_LITEQUEUE, _BARE = "loop over litequeue, synchronous=FULL", "bare loop: read, hash, check the rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What the files took, and the processor time that starting and stopping took besides."""

    cost: Cost
    start_cpu: float  # seconds


def run(scale: float, directory: Path) -> Report:
    """Measure the reference over a fifth of the files and ours over all of them, five times, in turn."""
    reference("litequeue")
    count = round(_FILES * scale)
    lying = write_files(directory / "lying", count)
    theirs, bare, ours = [], [], []
    for number in range(_ROUNDS):
        bare.append(bare_loop(lying))
        theirs.append(litequeue(directory / f"litequeue-{number}.db", lying[number::_ROUNDS]))
        ours.append(_end_to_end(directory / f"project-{number}", count))
    return _report(count, ours, theirs, bare)


def bare_loop(files: Sequence[Path]) -> Cost:
    """Read, hash and check every file; nothing is written, so a crash or a second run knows of none of it."""
    with stopwatch(HERE) as taken:
        sound = sum(_is_sound(file) for file in files)
        cost = taken()
    must_be(sound, len(files), "sound files")
    return cost


def _is_sound(path: Path) -> bool:
    data = path.read_bytes()
    hashlib.sha256(data).hexdigest()
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    return all(len(row) == len(header) for row in rows)


def litequeue(path: Path, files: Sequence[Path]) -> Cost:
    """Take every file through the queue, one after the other, each step committed to the disk."""
    queue = reference("litequeue").LiteQueue(path)
    for statement in ("pragma synchronous = full", _REGISTRY, _RESULTS):
        queue.conn.execute(statement)
    with stopwatch(HERE) as taken:
        for file in files:
            _through_litequeue(queue, file)
        cost = taken()
    must_be(
        queue.conn.execute("select count(*) from results").fetchone()[0], len(files), "litequeue's results"
    )
    queue.close()
    return cost


def _through_litequeue(queue: Any, file: Path) -> None:
    registered = (str(file), file.stat().st_size, time.time_ns())
    queue.conn.execute("insert into registry values (?, ?, ?)", registered)
    queue.put(str(file))
    message = queue.pop()
    result = (message.data, *_count_and_hash(Path(message.data)))
    queue.conn.execute("insert into results values (?, ?, ?)", result)
    # Later releases want the claim proved.
    proof = {"claim_id": message.claim_id} if hasattr(message, "claim_id") else {}
    queue.done(message.message_id, **proof)


def _count_and_hash(path: Path) -> tuple[int, str]:
    """Do what the trivial processor does."""
    digest = hashlib.sha256()
    rows = -1
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            rows += 1
    return rows, digest.hexdigest()


def _end_to_end(root: Path, count: int) -> Ours:
    """Run both commands twice; what they take for one file alone is the price of starting and stopping."""
    project = new_project(root, function="count")
    files = write_files(root / "outside", count)
    for command in ("watch", "work"):
        project.run(command, "--once")  # makes the store and registers the processor
    with stopwatch(BELOW) as taken:
        with _warm(project, number=count):
            pass
        idle = taken()
    with stopwatch(BELOW) as taken:
        with _warm(project, number=count + 1) as running:
            wall = _drop(project, files, running)
        busy = taken()
    processors = project.run("status").document["processors"]
    must_be(processors[0]["done"], count + 2, "outcomes")
    return Ours(cost=Cost(wall=wall, cpu=busy.cpu - idle.cpu), start_cpu=idle.cpu)


@contextmanager
def _warm(project: Project, *, number: int) -> Iterator[Sequence[Process]]:
    """Keep watcher and worker running, and a first file through them."""
    outcomes = _outcomes(project) + 1
    with project.running("watch") as watcher, project.running("work") as worker:
        write_files(project.root / "warm", 1, first=number)[0].rename(project.inbox / f"warm-{number}.csv")
        wait_until(lambda: _outcomes(project) == outcomes, among=(watcher, worker))
        yield watcher, worker


def _drop(project: Project, files: Sequence[Path], running: Sequence[Process]) -> float:
    """Rename every file into the inbox, at full speed; give the seconds until all outcomes are there."""
    outcomes = _outcomes(project) + len(files)
    begun = time.perf_counter()
    for file in files:
        file.rename(project.inbox / file.name)
    wait_until(lambda: _outcomes(project) == outcomes, among=running)
    return time.perf_counter() - begun


def _outcomes(project: Project) -> int:
    """Count the files whose row, and with it the outcome, is committed."""
    with closing(sqlite3.connect(f"file:{project.store}?mode=ro", uri=True)) as store:
        rows: int = store.execute("select count(*) from counted").fetchone()[0]
    return rows


def _report(count: int, ours: Sequence[Ours], theirs: Sequence[Cost], bare: Sequence[Cost]) -> Report:
    cost, reference_cost = median([round_.cost for round_ in ours]), median(theirs)
    shares = [len(range(number, count, _ROUNDS)) for number in range(_ROUNDS)]
    start = statistics.median(round_.start_cpu for round_ in ours)
    return Report(
        measures=[
            _measure(
                "files", "files/s", cost.rate(count), _LITEQUEUE, reference_cost.rate(shares[0]), ">= 5"
            ),
            _measure("files", "files/s", cost.rate(count), _BARE, median(bare).rate(count), ">= 0.25"),
            Measure(
                name="cpu",
                unit="CPU ms/file",
                figure=cost.cpu_ms(count),
                reference=_LITEQUEUE,
                reference_figure=reference_cost.cpu_ms(shares[0]),
                target="figure <= 0.4",
            ),
        ],
        detail={
            "files": count,
            "rounds": _ROUNDS,
            "litequeue": version("litequeue"),
            "files_per_s": [round(round_.cost.rate(count)) for round_ in ours],
            "litequeue_per_s": [round(c.rate(n)) for c, n in zip(theirs, shares, strict=True)],
            "bare_per_s": [round(c.rate(count)) for c in bare],
            "bare_cpu_ms_per_file": median(bare).cpu_ms(count),
            "cpu_ms_per_file": [round(round_.cost.cpu_ms(count), 3) for round_ in ours],
            "start_and_stop_cpu_ms": start * 1000,
        },
    )


def _measure(  # a line of the report
    name: str, unit: str, figure: float, reference: str, reference_figure: float, ratio: str
) -> Measure:
    return Measure(
        name=name,
        unit=unit,
        figure=figure,
        reference=reference,
        reference_figure=reference_figure,
        target=f"ratio {ratio}",
    )
