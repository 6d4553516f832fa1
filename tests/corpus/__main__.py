"""`make corpus`: how many files of each format are read right, wrong or refused, by us and by others.

A valid file is right when every figure that the manifest knows is met; an
invalid one, or an attack, when it is refused. `wrong` lists what was not.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

from ingest.errors import IngestError
from tests.corpus import peers
from tests.corpus.cost import Cost, cost_of, idle
from tests.corpus.labels import DISPUTED
from tests.corpus.manifest import MANIFEST, VARIABLE, Known, rows_of
from tests.corpus.ours import FORMATS, Figures, format_of

CENT = Decimal("0.005")
LINE = "{:<14}{:<30}{:>13}{:>7}{:>9}{:>18}{:>7}"
JUDGED = frozenset({"valid", "invalid", "attack"})
SECONDS, MEGABYTES = 1, 100  # in which a hostile file is to be refused
Verdict = str  # "right" | "wrong" | "refused"


def main() -> int:
    folder = os.environ.get(VARIABLE, "")
    if not (Path(folder) / MANIFEST).is_file():
        print(f"{VARIABLE} names no folder with a {MANIFEST}: make corpus CORPUS=DIR", file=sys.stderr)
        return 2
    print(LINE.format("format", "by", "valid: right", "wrong", "refused", "invalid: refused", "taken"))
    failed: list[str] = []
    hostile: list[tuple[str, Known]] = []
    for name, files in _by_format(rows_of(Path(folder))):
        hostile += [(name, each) for each in files if not each.is_valid]
        _print(name, "ingest", files, partial(_ours, name, failed))
        for peer in peers.installed(name):
            _print(name, peer, files, partial(_peer, peer))
    print("\nours, not right or not refused:")
    print("\n".join(failed) or "none")
    print(f"\n{len(hostile)} files that are to be refused, each in a process of its own:")
    _print_costs(hostile)
    return 0


def _print_costs(hostile: list[tuple[str, Known]]) -> None:
    """The most that each format took, and each attack by itself, beside the bounds."""
    print(f"  bounds: {SECONDS} s and {MEGABYTES} MB; a process that reads nothing takes {idle():.0f} MB")
    costs = {name: list[Cost]() for name, _ in hostile}
    for name, known in hostile:
        cost = cost_of(name, known.path)
        costs[name].append(cost)
        is_over = cost.seconds > SECONDS or cost.megabytes > MEGABYTES
        if is_over or known.row["expected"] == "attack":
            over = "  OVER" if is_over else ""
            print(f"    {known!s:<28}{cost.seconds:>6.2f} s{cost.megabytes:>5.0f} MB{over}")
    for name, found in costs.items():
        longest, most = max(each.seconds for each in found), max(each.megabytes for each in found)
        refused = sum(each.is_refused for each in found)
        print(f"  {name:<14}{refused} of {len(found)} refused, {longest:.2f} s and {most:.0f} MB at most")


def _by_format(files: list[Known]) -> Iterator[tuple[str, list[Known]]]:
    found: dict[str, list[Known]] = {}
    for known in files:
        found.setdefault(format_of(known), []).append(known)
    for name in FORMATS:
        if name in found:
            yield name, [each for each in found[name] if each.row["expected"] in JUDGED]


def _print(name: str, by: str, files: list[Known], judge: Callable[[Known], Verdict]) -> None:
    verdicts = Counter((known.is_valid, judge(known)) for known in files)
    valid = [verdicts[True, verdict] for verdict in ("right", "wrong", "refused")]
    refused, taken = verdicts[False, "refused"], verdicts[False, "wrong"]
    print(LINE.format(name, by, *valid, refused, taken), flush=True)


def _ours(name: str, failed: list[str], known: Known) -> Verdict:
    begun = time.perf_counter()
    try:
        figures = FORMATS[name].read(known.content(), name=known.row["path"])
    except IngestError as error:
        if known.is_valid:
            failed.append(f"  {known}: refused: {error}{_why(known)}")
        return "refused"
    off = _off(known, figures)
    took = time.perf_counter() - begun
    if not known.is_valid or off:
        failed.append(f"  {known}: {'; '.join(off) or 'taken'} ({took:.2f} s){_why(known)}")
    return "wrong" if off or not known.is_valid else "right"


def _why(known: Known) -> str:
    """Why its label cannot be followed, where that was looked into."""
    reason = DISPUTED.get(str(known))
    return f" — {reason}" if reason else ""


def _off(known: Known, figures: Figures) -> list[str]:
    """The figures of a valid file that are known and not met."""
    if not known.is_valid:
        return []
    wanted = {name: value for name in figures if (value := known.figure(name)) is not None}
    return [
        f"{name} is {figures[name]}, not {value}"
        for name, value in wanted.items()
        if abs(figures[name] - value) > CENT
    ]


def _peer(peer: str, known: Known) -> Verdict:
    count = peers.ask(peer, known.path)
    if count is None:
        return "refused"
    if not known.is_valid:
        return "wrong"
    wanted = known.figure("n_records")
    return "right" if wanted is None or wanted == count else "wrong"


if __name__ == "__main__":
    sys.exit(main())
