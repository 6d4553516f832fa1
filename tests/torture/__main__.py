"""`python -m tests.torture`: campaigns by seed; a compact line each, exit 3 at the first violation."""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

from tests.torture.campaign import Report, run


def main() -> int:
    """Every seed has had its campaign, or one found a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--seed", "--seeds", type=int, nargs="+", help="the plans; by default fresh ones")
    parser.add_argument("--count", type=int, default=10, help="how many fresh seeds, where none is given")
    parser.add_argument("--seconds", type=float, default=180, help="how long each storm lasts")
    parser.add_argument("--below", type=Path, help="where projects are made; by default the temporary folder")
    given = parser.parse_args()
    seeds = given.seed or random.SystemRandom().sample(range(10**6), given.count)
    for seed in seeds:
        print(f"seed {seed} for {given.seconds:g} s ...", flush=True)
        report = run(seed, given.seconds, below=given.below)
        print(line(report), flush=True)
        if report.violation is not None:
            print(f"VIOLATION of {report.violation}", file=sys.stderr)
            print(
                f"seed {seed}; what was done: {report.kept}/trace.jsonl; all is kept there", file=sys.stderr
            )
            return 3
    return 0


def line(report: Report) -> str:
    """What one campaign did, on one line."""
    kinds: Counter[str] = Counter()
    for kind, count in report.counts.items():
        kinds[kind.partition(":")[0]] += count
    faults = ", ".join(
        f"{count} {kind.removeprefix('fault: ')}"
        for kind, count in sorted(report.counts.items())
        if kind.startswith("fault: ")
    )
    verdict = "VIOLATION" if report.violation else "no violation"
    return (
        f"seed {report.seed}: {verdict} in {report.seconds:.0f} s; {kinds['drop']} drops,"
        f" {kinds['fault']} faults ({faults}), {kinds['command']} commands; {report.summary}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
