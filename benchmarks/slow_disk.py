"""The main job and the bookkeeping once more, on a disk whose every sync takes a millisecond longer.

How much sharing a commit is worth depends on what a commit costs. Some tens of
microseconds are the best there is; a millisecond is common. The delay is put
under this very disk, for everything that runs here, ours and the references.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import Measure, Report, Unavailable, reference

_SOURCE = Path(__file__).with_name("slow_sync.c")
_SCALE = 0.5  # of the files and deliveries that are measured without the delay
_TAKEN = {
    "end_to_end": ("files",),
    "claim_complete": ("one by one", "batched", "batched, ingest work --once"),
}


def run(scale: float, directory: Path) -> Report:
    """Run both benchmarks below the delay, and give what is compared with another queue."""
    reference("litequeue")
    reference("huey")
    delay = _compiled(directory / "slow_sync.so")
    lines = {name: _measured(name, scale * _SCALE, delay, directory) for name in _TAKEN}
    fsync_us = lines["end_to_end"]["machine"]["fsync_us"]
    return Report(
        measures=[
            _measure(m) for name, line in lines.items() for m in line["measures"] if _is_taken(name, m)
        ],
        detail={"fsync_us": fsync_us, "share_of_the_size": _SCALE},
    )


def _compiled(to: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        raise Unavailable("a slower disk needs Linux and a C compiler, cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", to, _SOURCE, "-ldl"], check=True)
    return to


def _measured(name: str, scale: float, delay: Path, directory: Path) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "benchmarks", name, "--scale", str(scale), "--dir", str(directory)]
    environment = {**os.environ, "LD_PRELOAD": str(delay)}
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    line: Mapping[str, Any] = json.loads(ran.stdout)
    return line


def _is_taken(benchmark: str, measure: Mapping[str, Any]) -> bool:
    return measure["name"] in _TAKEN[benchmark] and "bare" not in measure["reference"]


def _measure(measure: Mapping[str, Any]) -> Measure:
    taken = ("name", "unit", "figure", "reference", "reference_figure", "target")
    return Measure(**{key: measure[key] for key in taken})
