"""What it costs to read one file, in a process of its own: `python -m tests.corpus.cost FORMAT FILE`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import IngestError
from tests.corpus.ours import FORMATS


@dataclass(frozen=True, slots=True)
class Cost:
    """Of reading one file."""

    is_refused: bool
    seconds: float
    megabytes: float  # the most that the process ever had, its program included


def cost_of(format_: str, path: Path) -> Cost:
    """Measured in a process that reads nothing else."""
    command = [sys.executable, "-m", "tests.corpus.cost", format_, str(path)]
    return Cost(*json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def idle() -> float:
    """The megabytes of such a process that reads no file."""
    command = [sys.executable, "-c", "from tests.corpus import cost; print(cost.peak())"]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def peak() -> float:
    """Unlike `ru_maxrss`, not that of the process that started this one."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def main(format_: str, path: Path) -> None:
    """Print the cost as JSON."""
    reader, data = FORMATS[format_], path.read_bytes()
    begun, is_refused = time.perf_counter(), False
    try:
        reader.read(data, name=path.name)
    except IngestError:
        is_refused = True
    print(json.dumps([is_refused, time.perf_counter() - begun, peak()]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
