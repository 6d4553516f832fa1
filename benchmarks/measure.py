"""Clocks, the calibration of the machine, and the JSON line every benchmark prints.

This module measures and writes down. It knows neither the product nor any of
the references it is compared with.
"""

import hashlib
import importlib
import json
import os
import platform
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

HERE = resource.RUSAGE_SELF  # a reference runs in this process,
BELOW = resource.RUSAGE_CHILDREN  # the product in processes of its own
_BLOCK = b"x" * 4096
_FSYNCS = 200
_FDATASYNC: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # not everywhere
_MIB = 1 << 20
_MEBIBYTE = b"x" * _MIB
_SEQUENTIAL = 128  # MiB
_LOOP = 1_000_000


class Unavailable(Exception):
    """What a benchmark needs is not installed; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a piece of work took, in seconds: by the wall clock, and of the processors' time."""

    wall: float
    cpu: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(wall=self.wall + other.wall, cpu=self.cpu + other.cpu)

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(wall=self.wall - other.wall, cpu=self.cpu - other.cpu)

    def rate(self, items: int) -> float:
        """Items a second."""
        return items / self.wall

    def cpu_ms(self, items: int) -> float:
        """Processor time for one item, in milliseconds."""
        return self.cpu / items * 1000


@contextmanager
def stopwatch(where: int) -> Iterator[Callable[[], Cost]]:
    """Give a function that says what was taken since by this process, or by its ended children."""
    # What was written while preparing must not be flushed on the time of what is measured.
    os.sync()
    wall, cpu = time.perf_counter(), _cpu_seconds(where)
    yield lambda: Cost(wall=time.perf_counter() - wall, cpu=_cpu_seconds(where) - cpu)


def _cpu_seconds(where: int) -> float:
    usage = resource.getrusage(where)
    return usage.ru_utime + usage.ru_stime


def median(costs: Sequence[Cost]) -> Cost:
    """Give the median wall time and the median processor time of several rounds."""
    return Cost(
        wall=statistics.median(cost.wall for cost in costs),
        cpu=statistics.median(cost.cpu for cost in costs),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure of ours beside the reference it is held to, and the ratio or figure wanted."""

    name: str
    unit: str
    figure: float
    reference: str
    reference_figure: float
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one benchmark found: measures against references, and what else helps to read them."""

    measures: Sequence[Measure]
    detail: Mapping[str, object]


def json_line(name: str, report: Report, machine: Mapping[str, object], *, scale: float = 1.0) -> str:
    """Give the one line that a benchmark prints."""
    document = {
        "v": 1,
        "benchmark": name,
        "scale": scale,
        "measures": [_measure_document(measure) for measure in report.measures],
        "detail": {key: _rounded(value) for key, value in report.detail.items()},
        "machine": machine,
    }
    return json.dumps(document)


def _measure_document(measure: Measure) -> dict[str, object]:
    return {
        "name": measure.name,
        "unit": measure.unit,
        "figure": _rounded(measure.figure),
        "reference": measure.reference,
        "reference_figure": _rounded(measure.reference_figure),
        "ratio": _rounded(measure.figure / measure.reference_figure),
        "target": measure.target,
    }


def _rounded(value: object) -> object:
    """No machine repeats more than four digits."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def calibration(directory: Path) -> dict[str, object]:
    """Say how fast this machine is now: to sync 4 KiB in `directory`, to write, to compute, to hash 2 KB."""
    return {
        "fsync_us": round(_sync_seconds(directory / "calibration", os.fsync) * 1e6),
        "fdatasync_us": round(_sync_seconds(directory / "calibration", _FDATASYNC) * 1e6),
        "sequential_mb_s": round(_sequential_bytes_a_second(directory / "calibration") / 1e6),
        "cpu_loop_ms": round(_least(lambda: sum(number * number for number in range(_LOOP)), 3) * 1e3, 1),
        "sha256_2k_us": round(_least(lambda: hashlib.sha256(_BLOCK[:2048]).digest(), 1000) * 1e6, 2),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": product_sqlite().sqlite_version,
        "sqlite_stdlib": sqlite3.sqlite_version,
    }


def _sync_seconds(path: Path, sync: Callable[[int], None]) -> float:
    """Seconds until 4 KiB that replace others in a file are on the disk: what a commit waits for."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(handle, _BLOCK * _FSYNCS, 0)
        os.fsync(handle)
        places = range(0, _FSYNCS * len(_BLOCK), len(_BLOCK))
        return statistics.median(_seconds(partial(_replace, handle, at, sync)) for at in places)
    finally:
        os.close(handle)
        path.unlink()


def _replace(handle: int, at: int, sync: Callable[[int], None]) -> None:
    os.pwrite(handle, _BLOCK, at)
    sync(handle)


def _sequential_bytes_a_second(path: Path) -> float:
    """How fast a large file is written, its sync at the end included."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        return _SEQUENTIAL * _MIB / _seconds(lambda: _write_all(handle))
    finally:
        os.close(handle)
        path.unlink()


def _write_all(handle: int) -> None:
    for _ in range(_SEQUENTIAL):
        os.write(handle, _MEBIBYTE)
    os.fsync(handle)


def _least(work: Callable[[], object], rounds: int) -> float:
    return min(_seconds(work) for _ in range(rounds))


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def product_sqlite() -> Any:
    """Give the SQLite driver the product uses: pysqlite3 where installed, else the interpreter's."""
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3


def reference(name: str) -> Any:
    """Import a reference by name; raises `Unavailable` with the command that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise Unavailable(f"{name} is not installed: pip install -r requirements/bench.txt") from missing
