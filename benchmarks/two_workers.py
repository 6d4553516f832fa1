"""Two work processes against one: the same deliveries wait, and `ingest work --once` is run with either.

What the command takes for a single delivery is subtracted, so that a second
start is not counted. The deliveries are as short as real ones can be: all
processes write one database, whose one write lock is what they wait for.
"""

from pathlib import Path

from benchmarks.corpus import write_files
from benchmarks.measure import Cost, Measure, Report, median
from benchmarks.project import Project, must_be, new_project

_FILES = 10_000
_ROUNDS = 3


def run(scale: float, directory: Path) -> Report:
    """Work off as much with one and with two, in turn."""
    count = round(_FILES * scale)
    found: dict[tuple[str, int], list[Cost]] = {}
    for number in range(_ROUNDS):
        for function in ("count", "check"):
            for workers in (1, 2):
                project = new_project(directory / f"{function}-{number}-{workers}", function=function)
                taken = _work_off(project, count, workers)
                found.setdefault((function, workers), []).append(taken)
    rates = {key: median(costs).rate(count) for key, costs in found.items()}
    return Report(
        measures=[
            Measure(
                name=name,
                unit="deliveries/s",
                figure=rates[function, 2],
                reference="one work process",
                reference_figure=rates[function, 1],
                target="ratio >= 1.4",
            )
            for function, name in (
                ("check", "two work processes, each row of 20 parsed and checked"),
                ("count", "two work processes, lines counted and hashed"),
            )
        ],
        detail={
            "deliveries": count,
            "rounds": _ROUNDS,
            **{
                f"{function}_{workers}_per_s": [round(cost.rate(count)) for cost in costs]
                for (function, workers), costs in found.items()
            },
        },
    )


def _work_off(project: Project, count: int, workers: int) -> Cost:
    project.run("work", "--once")  # makes the store and registers the processor
    start_up = _worked(project, 1, workers, first=0)
    return _worked(project, 1 + count, workers, first=1) - start_up


def _worked(project: Project, count: int, workers: int, *, first: int) -> Cost:
    write_files(project.inbox, count, first=first)
    project.run("watch", "--once")
    ran = project.run("work", "--once", "-c", str(workers))
    must_be(ran.document["done"], count, "deliveries done")
    return ran.cost
