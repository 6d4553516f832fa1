"""What `ingest status --json` takes, as a whole process, on a store with a million outcomes.

The reference is the same command on a store in which nothing ever landed: what
stands in the store must hardly be felt. Both are asked in turn.
"""

from pathlib import Path

from benchmarks import years
from benchmarks.measure import Cost, Measure, Report, median
from benchmarks.project import Project, must_be, new_project

_OUTCOMES = 1_000_000
_ROUNDS = 7


def run(scale: float, directory: Path) -> Report:
    """Make both stores, ask each in turn, and give the medians."""
    outcomes = round(_OUTCOMES * scale)
    full, empty = (_project(directory / name) for name in ("full", "empty"))
    years.fill(full.store, outcomes)
    first, taken, reference = _ask(full), list[Cost](), list[Cost]()
    must_be(full.run("status").document["head_position"], outcomes, "events")
    for _ in range(_ROUNDS):
        taken.append(_ask(full))
        reference.append(_ask(empty))
    return Report(
        measures=[
            Measure(
                name="the whole process",
                unit="s",
                figure=median(taken).wall,
                reference="the same, nothing landed",
                reference_figure=median(reference).wall,
                target="figure < 1",
            )
        ],
        detail={
            "outcomes": outcomes,
            "store_bytes": full.store.stat().st_size,
            "cpu_s": median(taken).cpu,
            "reference_cpu_s": median(reference).cpu,
            "first_s": first.wall,
            "slowest_s": max(cost.wall for cost in taken),
        },
    )


def _project(root: Path) -> Project:
    """A project whose store stands and is empty."""
    made = new_project(root, function="nothing")
    made.run("watch", "--once")
    return made


def _ask(project: Project) -> Cost:
    return project.run("status").cost
