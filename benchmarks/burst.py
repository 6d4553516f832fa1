"""A hundred thousand files dropped at once under temporary names, and then a million that stand there.

In the burst another process writes each file under a name the source ignores
(`.name.part`), in the watched folder itself, and renames it, as fast as it
can; `ingest watch` runs all the while. The reference is the same burst into a
folder that nobody watches: so long does dropping alone take. The million stand
ready and are landed by one `ingest watch --once`; the rate of its last tenth
is held against the first.
"""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from benchmarks.measure import Measure, Report
from benchmarks.project import Project, must_be, new_project, peak_bytes, wait_until

_BURST = 100_000
_MANY = 1_000_000
_IN_A_FOLDER = 10_000
_MB = 1_000_000
_LOOK_EVERY = 0.1  # seconds
_DROP = """
import os, sys
folder, count = sys.argv[1], int(sys.argv[2])
for number in range(count):
    hidden, name = f"{folder}/.drop-{number:07}.csv.part", f"{folder}/drop-{number:07}.csv"
    with open(hidden, "wb") as file:
        file.write(b"payment_id,amount\\nP%07d,10.00\\n" % number)
    os.rename(hidden, name)
"""


def run(scale: float, directory: Path) -> Report:
    """Measure the burst beside its reference, and the many."""
    burst, many = round(_BURST * scale), round(_MANY * scale)
    unwatched = directory / "unwatched"
    unwatched.mkdir()
    alone = _drop(unwatched, burst)
    dropped, landed, burst_peak = _burst(new_project(directory / "burst", function="nothing"), burst)
    tenths, many_peak = _many(new_project(directory / "many", function="nothing"), many)
    return Report(
        measures=[
            Measure(
                name="burst, until the last file is an event",
                unit="s",
                figure=landed,
                reference="the same burst into a folder nobody watches",
                reference_figure=alone,
                target="none missing",
            ),
            Measure(
                name="the last tenth of the many",
                unit="files/s",
                figure=many / 10 / tenths[-1],
                reference="the first tenth",
                reference_figure=many / 10 / tenths[0],
                target="steady: about 1",
            ),
        ],
        detail={
            "burst_files": burst,
            "burst_dropped_in_s": dropped,
            "burst_watcher_mb": burst_peak / _MB,
            "many_files": many,
            "many_watcher_mb": many_peak / _MB,
            "many_tenths_s": [float(f"{tenth:.3g}") for tenth in tenths],
        },
    )


def _burst(project: Project, count: int) -> tuple[float, float, int]:
    """Seconds until all were dropped and until all were events, and the watcher's largest resident size."""
    with project.running("watch") as watcher:
        wait_until(lambda: _has_store(project), among=[watcher])
        begun = time.perf_counter()
        dropped = _drop(project.inbox, count)
        wait_until(lambda: _landed(project) >= count, among=[watcher])
        landed = time.perf_counter() - begun
        peak = peak_bytes(watcher.pid)
    must_be(_paths(project), count, "files of the burst")
    return dropped, landed, peak


def _many(project: Project, count: int) -> tuple[list[float], int]:
    """Seconds for each tenth, and the watcher's largest resident size."""
    config = project.root / "ingest.toml"
    config.write_text(config.read_text().replace("[[source]]", "[[source]]\nrecursive = true"))
    for first in range(0, count, _IN_A_FOLDER):
        folder = project.inbox / f"{first:07}"
        folder.mkdir()
        _drop(folder, min(count - first, _IN_A_FOLDER))
    marks, peak = [time.perf_counter()], 0
    watcher = project.started("watch", "--once")
    while watcher.poll() is None:
        peak = max(peak, peak_bytes(watcher.pid))
        if _has_store(project) and _landed(project) >= len(marks) * count // 10:
            marks.append(time.perf_counter())
        time.sleep(_LOOK_EVERY)
    must_be(watcher.returncode, 0, "exit code")
    must_be(_paths(project), count, "files of the many")
    marks[10:] = [time.perf_counter()]
    return [later - earlier for earlier, later in pairwise(marks)], peak


def _drop(folder: Path, count: int) -> float:
    """Another process drops `count` files into the folder; the seconds it took."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", _DROP, str(folder), str(count)], check=True)
    return time.perf_counter() - begun


def _has_store(project: Project) -> bool:
    return project.store.exists() and _asked(project, "select count(*) from sqlite_master") > 0


def _landed(project: Project) -> int:
    """Events that there are; no file of these is landed twice, which is proved at the end."""
    return _asked(project, "select count(*) from landings")


def _paths(project: Project) -> int:
    return _asked(project, "select count(distinct path) from landings")


def _asked(project: Project, question: str) -> int:
    with closing(sqlite3.connect(f"file:{project.store}?mode=ro", uri=True)) as store:
        return int(store.execute(question).fetchone()[0])
