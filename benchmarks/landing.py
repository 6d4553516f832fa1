"""Landing alone: files that lie settled in an inbox, against raw inserts into SQLite.

There are two references, both in transactions of 1,000 rows at
`synchronous=FULL` in WAL mode, from rows that stand ready in memory: a small
row of four columns, and a row comparable to what a landing keeps (a unique id,
700 bytes of JSON, the content). Ours finds, reads, hashes and archives each
file besides. What the command takes on an empty inbox is subtracted. Small rows
go in so fast that ten times as many are inserted.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.corpus import content, write_files
from benchmarks.measure import HERE, Cost, Measure, Report, median, product_sqlite, stopwatch
from benchmarks.project import must_be, new_project

_FILES = 10_000
_ROUNDS = 5
_SMALL_ROWS = 10  # for each file
_BATCH = 1_000
_SMALL = "create table small (id text, path text, size integer, landed_at integer)"
_COMPARABLE = "create table comparable (id text unique, body text, content blob)"

Row = tuple[object, ...]


def run(scale: float, directory: Path) -> Report:
    """Measure ours and both references in turn, round by round, and give the medians."""
    files = round(_FILES * scale)
    small, comparable = _small_rows(files * _SMALL_ROWS), _comparable_rows(files)
    ours, smalls, comparables = [], [], []
    for number in range(_ROUNDS):
        smalls.append(insert(directory / f"small-{number}.db", _SMALL, small))
        ours.append(_land(directory / f"project-{number}", files))
        comparables.append(insert(directory / f"comparable-{number}.db", _COMPARABLE, comparable))
    return _report(files, median(ours), median(smalls), median(comparables))


def insert(path: Path, schema: str, rows: Sequence[Row]) -> Cost:
    """Insert `rows` into a new database in batches of 1,000, each committed to the disk."""
    connection = product_sqlite().connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute(schema)
    table, marks = schema.split()[2], ", ".join("?" * len(rows[0]))
    with stopwatch(HERE) as taken:
        for start in range(0, len(rows), _BATCH):
            connection.execute("begin immediate")
            connection.executemany(f"insert into {table} values ({marks})", rows[start : start + _BATCH])
            connection.execute("commit")
        cost = taken()
    connection.close()
    return cost


def _land(root: Path, files: int) -> Cost:
    project = new_project(root, function="nothing")
    project.run("watch", "--once")  # makes the store
    start_up = project.run("watch", "--once")
    write_files(project.inbox, files)
    ran = project.run("watch", "--once")
    must_be(ran.document["landed"], files, "files landed")
    return ran.cost - start_up.cost


def _small_rows(count: int) -> list[Row]:
    return [(_identity(number), f"file-{number}.csv", 2048, number) for number in range(count)]


def _comparable_rows(count: int) -> list[Row]:
    return [(_identity(number), _body(number), content(number)) for number in range(count)]


def _identity(number: int) -> str:
    """Give an id as ours are: a digest, so that an index on it is not simply appended to."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def _body(number: int) -> str:
    body = {"id": _identity(number), "subject": f"bench/settlement-{number:07d}.csv", "data": ""}
    return json.dumps(body | {"data": "x" * (700 - len(json.dumps(body)))})


def _report(files: int, ours: Cost, small: Cost, comparable: Cost) -> Report:
    rate = ours.rate(files)
    return Report(
        measures=[
            _measure("small row", rate, "raw inserts of four small columns", small.rate(files * _SMALL_ROWS)),
            _measure(
                "comparable row", rate, "raw inserts of id, 700 B text, 2 KB blob", comparable.rate(files)
            ),
        ],
        detail={
            "files": files,
            "rounds": _ROUNDS,
            "cpu_ms_per_file": ours.cpu_ms(files),
            "small_row_cpu_ms": small.cpu_ms(files * _SMALL_ROWS),
            "comparable_row_cpu_ms": comparable.cpu_ms(files),
        },
    )


def _measure(name: str, rate: float, reference: str, reference_rate: float) -> Measure:
    return Measure(
        name=name,
        unit="files/s",
        figure=rate,
        reference=reference,
        reference_figure=reference_rate,
        target="ratio >= 0.08",
    )
