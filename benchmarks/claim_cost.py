"""What it costs to claim one lane, by how much waits, behind a hot key, and beside parked keys.

Every case is a store of its own; they are claimed from in turn, one claim at a
time, so that a machine that changes its pace changes all of them alike. The
figure is the processor time of the claim and of fetching what was claimed,
without the commit, which costs the same everywhere and would only hide a
difference. `detail` has the question that goes before it (is anything due?) and
the whole transaction.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.backlog import Backlog, new_backlog
from benchmarks.measure import Measure, Report
from benchmarks.project import must_be

_LEAST = 1_000  # deliveries waiting in the case that the others are compared with
_WAITING = (10_000, 100_000, 1_000_000)
_PARKED = 1_000
_REPETITIONS = 300


@dataclass(slots=True)
class Case:
    """One store to claim from, and what its claims took, in microseconds of processor time."""

    backlog: Backlog
    dues: list[float] = field(default_factory=list)
    claims: list[float] = field(default_factory=list)
    transactions: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """One lane was claimed, and let go again; what it took is noted."""
        begun = time.process_time()
        with self.backlog.store.write() as tx:
            opened = time.process_time()
            self.backlog.due(tx)
            asked = time.process_time()
            started = self.backlog.claim(tx, 1)
            claimed = time.process_time()
        ended = time.process_time()
        self.backlog.release()
        must_be(len(started), 1, "lanes claimed")
        self.dues.append((asked - opened) * 1e6)
        self.claims.append((claimed - asked) * 1e6)
        self.transactions.append((ended - begun) * 1e6)

    @property
    def claim(self) -> float:
        """The median claim."""
        return median(self.claims)


def run(scale: float, directory: Path) -> Report:
    """Build every store, then claim from all of them in turn, and give the medians."""
    least, *more = (round(count * scale) for count in (_LEAST, *_WAITING))
    with ExitStack() as stack:
        cases = {f"{count} waiting": _case(stack, directory, count) for count in (least, *more)}
        cases["hot"] = _case(stack, directory, more[-1], behind_hot_key=more[-1] // 2)
        cases["parked"] = _case(stack, directory, more[-2], parked=round(_PARKED * scale))
        _measure_all(list(cases.values()))
    few, many, middle = (f"{count} waiting" for count in (least, more[-1], more[-2]))
    measures = [_measure(cases, f"{count} waiting", few, "ratio <= 1.5") for count in more]
    measures.append(_measure(cases, "hot", many, "ratio <= 2"))
    measures.append(_measure(cases, "parked", middle, "ratio about 1"))
    return Report(measures=measures, detail=_detail(cases))


def _case(stack: ExitStack, directory: Path, count: int, *, behind_hot_key: int = 0, parked: int = 0) -> Case:
    """A store in which `count` deliveries wait, some behind one leased key or in lanes that are parked.

    Those stand where a claim looks first.
    """
    path = directory / f"{count}-{behind_hot_key}-{parked}.db"
    backlog = stack.enter_context(new_backlog(path))
    if behind_hot_key:
        backlog.append(behind_hot_key, key="hot")
        backlog.lease_first()
    backlog.append(count - behind_hot_key)
    backlog.park_first(parked)
    return Case(backlog)


def _measure_all(cases: Sequence[Case]) -> None:
    for _ in range(_REPETITIONS):
        for case in cases:
            case.measure()


def _measure(cases: Mapping[str, Case], name: str, reference: str, target: str) -> Measure:
    return Measure(
        name=name,
        unit="CPU us/claim",
        figure=cases[name].claim,
        reference=reference,
        reference_figure=cases[reference].claim,
        target=target,
    )


def _detail(cases: Mapping[str, Case]) -> dict[str, object]:
    return {
        "repetitions": _REPETITIONS,
        "due_cpu_us": {name: round(median(case.dues), 1) for name, case in cases.items()},
        "transaction_cpu_us": {name: round(median(case.transactions), 1) for name, case in cases.items()},
    }
