"""The main job with the store on a PostgreSQL server, beside two queues on the same server.

Files are renamed into an inbox until every outcome stands, as in `end_to_end`.
The queues get one job a file from one process, and another reads the file,
hashes it and keeps a row: they archive nothing, and know no order. The server
is one for all, at its defaults: every commit is synced. All take turns.
"""

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg

from benchmarks.corpus import write_files
from benchmarks.measure import Measure, Report, reference
from benchmarks.project import Process, must_be, new_project, wait_until
from tests import server
from tests.server import Server

_FILES = 10_000
_ROUNDS = 3
_SHARE = 5  # of the files go through a queue: a fifth
_TOOLS = {"procrastinate": "ratio >= 3", "pgqueuer": "ratio >= 1.5"}


def run(scale: float, directory: Path) -> Report:
    """Ours over all files and each queue over a fifth of them, three times, in turn."""
    for tool in _TOOLS:
        reference(tool)
    count = round(_FILES * scale)
    rates: dict[str, list[float]] = {"ours": [], **{tool: [] for tool in _TOOLS}}
    own = server.new()
    own.start()
    try:
        for number in range(_ROUNDS):
            rates["ours"].append(_ours(own, directory / f"ours-{number}", count))
            for tool in _TOOLS:
                rates[tool].append(_queue(own, tool, directory / f"{tool}-{number}", count // _SHARE))
    finally:
        own.stop()
    ours = statistics.median(rates["ours"])
    measures = [
        Measure(
            name="files, store on a server",
            unit="files/s",
            figure=ours,
            reference=tool,
            reference_figure=statistics.median(rates[tool]),
            target=target,
        )
        for tool, target in _TOOLS.items()
    ]
    per_s = {f"{name}_per_s": [round(rate) for rate in found] for name, found in rates.items()}
    versions = {tool: version(tool) for tool in _TOOLS}
    return Report(measures=measures, detail={"files": count, "rounds": _ROUNDS, **versions, **per_s})


def _ours(own: Server, root: Path, count: int) -> float:
    """Files a second through both commands, once a first file has gone through them."""
    project = new_project(root, function="count")
    with _database(own, root.name.replace("-", "_")) as url:
        config = root / "ingest.toml"
        config.write_text(f'{config.read_text()}\n[store]\nurl = "{url}"\n')
        files = write_files(root / "outside", count + 1)
        for command in ("watch", "work"):
            project.run(command, "--once")
        with project.running("watch") as watcher, project.running("work") as worker:
            files[-1].rename(project.inbox / files[-1].name)
            _wait(url, "counted", 1, watcher, worker)
            begun = time.perf_counter()
            for file in files[:-1]:
                file.rename(project.inbox / file.name)
            _wait(url, "counted", count + 1, watcher, worker)
            took = time.perf_counter() - begun
        must_be(project.run("status").document["processors"][0]["done"], count + 1, "outcomes")
    return count / took


def _queue(own: Server, tool: str, root: Path, count: int) -> float:
    """Files a second through a queue, once its worker is up."""
    root.mkdir()
    first, files = root / "first", root / "files"
    write_files(first, 1, first=count)
    write_files(files, count)
    with _database(own, root.name.replace("-", "_")) as url:
        _part(tool, "make", url, root).wait()
        consumer = _part(tool, "consume", url, root)
        _part(tool, "produce", url, first).wait()
        _wait(url, "results", 1, consumer)
        begun = time.perf_counter()
        producer = _part(tool, "produce", url, files)
        _wait(url, "results", count + 1, consumer)
        took = time.perf_counter() - begun
        producer.wait()
        consumer.terminate()
        consumer.wait()
    shutil.rmtree(root)
    return count / took


def _part(tool: str, part: str, url: str, directory: Path) -> Process:
    return subprocess.Popen([sys.executable, "-m", "benchmarks.queues", tool, part, url, str(directory)])


def _wait(url: str, table: str, count: int, *among: Process) -> None:
    """Return once the table has so many rows."""
    with psycopg.connect(url, autocommit=True) as connection:

        def is_there() -> bool:
            found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            return found == (count,)

        wait_until(is_there, among=among)


@contextmanager
def _database(own: Server, name: str) -> Iterator[str]:
    own.run(f"CREATE DATABASE {name}")
    yield own.url(name)
    own.run(f"DROP DATABASE {name} WITH (FORCE)")
