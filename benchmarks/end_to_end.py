"""Landing and working at once: files renamed into an inbox until every outcome is there.

The product runs as its two commands, with one worker child. The reference is a
loop over litequeue, at `synchronous=FULL` in place of its NORMAL: for each file
a row in a registry, put, pop, count and hash, a row with the result, done; five
commits. Its files lie ready, and it archives nothing. Half of them are done
before ours and half after, so that a disk that changes its pace shows.
"""

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.corpus import write_files
from benchmarks.measure import BELOW, HERE, Cost, Measure, Report, reference, stopwatch
from benchmarks.project import Project, must_be, new_project, wait_until

_FILES = 10_000
_REGISTRY = "create table registry (path text primary key, size integer, seen_at integer)"
_RESULTS = "create table results (path text primary key, rows integer, digest text)"


def run(scale: float, directory: Path) -> Report:
    """Measure the reference over half the files, ours over all of them, the reference over the other half."""
    reference("litequeue")
    count = round(_FILES * scale)
    project = new_project(directory / "project", function="count")
    files = write_files(directory / "lying", count)
    before = litequeue(directory / "before.db", files[: count // 2])
    ours = _end_to_end(project, write_files(project.root / "outside", count))
    after = litequeue(directory / "after.db", files[count // 2 :])
    return _report(count, ours, before, after)


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


def _end_to_end(project: Project, files: Sequence[Path]) -> Cost:
    """Give the time from first rename to last outcome, and the CPU of all processes less start-up."""
    for command in ("watch", "work"):
        project.run(command, "--once")  # makes the store and registers the processor
    with stopwatch(BELOW) as taken:
        with _warm(project, number=len(files)):
            pass
        idle = taken()
    with stopwatch(BELOW) as taken:
        with _warm(project, number=len(files) + 1) as outcomes:
            wall = _drop(project, files, outcomes + len(files))
        busy = taken()
    processors = project.run("status").document["processors"]
    must_be(processors[0]["done"], outcomes + len(files), "outcomes")
    return Cost(wall=wall, cpu=busy.cpu - idle.cpu)


@contextmanager
def _warm(project: Project, *, number: int) -> Iterator[int]:
    """Keep watcher and worker running; give the number of outcomes once a first file is through."""
    outcomes = _outcomes(project) + 1
    with project.running("watch"), project.running("work"):
        write_files(project.root / "warm", 1, first=number)[0].rename(project.inbox / f"warm-{number}.csv")
        wait_until(lambda: _outcomes(project) == outcomes)
        yield outcomes


def _drop(project: Project, files: Sequence[Path], outcomes: int) -> float:
    """Rename every file into the inbox, at full speed; give the seconds until all outcomes are there."""
    begun = time.perf_counter()
    for file in files:
        file.rename(project.inbox / file.name)
    wait_until(lambda: _outcomes(project) == outcomes)
    return time.perf_counter() - begun


def _outcomes(project: Project) -> int:
    """Count the files whose row, and with it the outcome, is committed."""
    with closing(sqlite3.connect(f"file:{project.store}?mode=ro", uri=True)) as store:
        rows: int = store.execute("select count(*) from counted").fetchone()[0]
    return rows


def _report(count: int, ours: Cost, before: Cost, after: Cost) -> Report:
    theirs = before + after
    return Report(
        measures=[
            Measure(
                name="files",
                unit="files/s",
                figure=ours.rate(count),
                reference="loop over litequeue, synchronous=FULL",
                reference_figure=theirs.rate(count),
                target="ratio >= 3",
            ),
            Measure(
                name="cpu",
                unit="CPU ms/file",
                figure=ours.cpu_ms(count),
                reference="loop over litequeue, synchronous=FULL",
                reference_figure=theirs.cpu_ms(count),
                target="figure <= 0.6",
            ),
        ],
        detail={
            "files": count,
            "litequeue": version("litequeue"),
            "litequeue_before": before.rate(count // 2),
            "litequeue_after": after.rate(count - count // 2),
        },
    )
