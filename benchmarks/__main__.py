"""`python -m benchmarks [NAME…]` measures, and prints one JSON line for each benchmark; it judges nothing."""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Report, Unavailable, calibration, json_line

NAMES = (
    "end_to_end",
    "two_workers",
    "latency",
    "landing",
    "claim_complete",
    "claim_cost",
    "contention",
    "burst",
    "large_csv",
    "large_tabular",
    "large_camt",
    "status_large",
    "idle",
    "starts",
    "slow_disk",
    "on_server",
    "claim_on_server",
)


def main() -> None:
    """Print the line of every benchmark asked for, or say on stderr why one was skipped."""
    asked = _arguments()
    for name in asked.names or NAMES:
        with tempfile.TemporaryDirectory(prefix="ingest-bench-", dir=asked.dir) as directory:
            _print_line(name, asked.scale, Path(directory))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Measure; one JSON line for each benchmark."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply every count; 0.1 for a quick look")
    parser.add_argument("--dir", help="where to work: a disk, for on a tmpfs an fsync costs nothing")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return asked


def _print_line(name: str, scale: float, directory: Path) -> None:
    benchmark = importlib.import_module(f"benchmarks.{name}")
    machine = calibration(directory)
    try:
        report: Report = benchmark.run(scale, directory)
    except Unavailable as reason:
        sys.stderr.write(f"{name}: skipped: {reason}\n")
    else:
        sys.stdout.write(json_line(name, report, machine, scale=scale) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
