"""`python -m tests.torture`: campaigns by seed; a compact line each, and exit 3 if any found a violation."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from tests.torture.campaign import Report, run


def main() -> int:
    """Every seed has had its campaign, whatever became of the others."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--seed", "--seeds", type=int, nargs="+", help="the plans; by default fresh ones")
    parser.add_argument("--count", type=int, default=10, help="how many fresh seeds, where none is given")
    parser.add_argument("--seconds", type=float, default=180, help="how long each storm lasts")
    parser.add_argument("--below", type=Path, help="where projects are made; by default the temporary folder")
    given = parser.parse_args()
    seeds = given.seed or random.SystemRandom().sample(range(10**6), given.count)
    reports = [_report(seed, given.seconds, given.below) for seed in seeds]
    violated = [report for report in reports if report.violation is not None]
    for report in violated:
        print(f"VIOLATION, seed {report.seed}: {_of(report)}", file=sys.stderr)
    print(f"{len(reports)} campaigns, {len(violated)} with a violation", flush=True)
    return 3 if violated else 0


def line(report: Report) -> str:
    """What one campaign did, on one line."""
    verdict = "VIOLATION" if report.violation else "no violation"
    parts = [
        f"{_total(report, 'drop')} drops",
        f"{_total(report, 'by hand')} landed by hand",
        f"{_total(report, 'fault')} faults{_kinds(report, 'fault')}",
        f"{_total(report, 'replay')} replays{_kinds(report, 'replay')}",
        f"{report.requests} calls under {report.keys} keys",
        f"{_total(report, 'command')} commands",
    ]
    done = f"; {report.summary}" if report.summary else ""
    return f"seed {report.seed}: {verdict} in {report.seconds:.0f} s; {', '.join(parts)}{done}"


def _report(seed: int, seconds: float, below: Path | None) -> Report:
    """The campaign of the seed has been had, and its line is printed."""
    print(f"seed {seed} for {seconds:g} s ...", flush=True)
    report = run(seed, seconds, below=below)
    print(line(report), flush=True)
    if report.violation is not None:
        print(f"VIOLATION, seed {seed}: {_of(report)}", file=sys.stderr, flush=True)
    return report


def _of(report: Report) -> str:
    kind, text = type(report.violation).__name__, str(report.violation)
    what = text if kind == "Violation" else f"{kind}: {text}"
    return f"{what}\n    what was done: {report.kept}/trace.jsonl; all is kept there"


def _total(report: Report, kind: str) -> int:
    return sum(count for name, count in report.counts.items() if name.startswith(f"{kind}: "))


def _kinds(report: Report, kind: str) -> str:
    """How many there were of each, in brackets."""
    counts = [
        f"{count} {name.removeprefix(f'{kind}: ')}"
        for name, count in sorted(report.counts.items())
        if name.startswith(f"{kind}: ")
    ]
    return f" ({', '.join(counts)})" if counts else ""


if __name__ == "__main__":
    raise SystemExit(main())
