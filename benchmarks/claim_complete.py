"""Claiming and completing no-op deliveries, every promise kept, against huey on SQLite with fsync on.

huey takes a task with one commit that deletes it before it runs, so a crash
loses it; it keeps no result of a task that returns nothing, unless it is told
to (`store_none`), with a second commit. Both are measured: the first is the
faster and the one our ratio is taken against, the second is nearer to what a
recorded outcome promises. What `ingest work --once` takes with nothing due is
subtracted.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.corpus import write_files
from benchmarks.measure import HERE, Cost, Measure, Report, median, reference, stopwatch
from benchmarks.project import must_be, new_project

_DELIVERIES = 5_000
_ROUNDS = 3


def run(scale: float, directory: Path) -> Report:
    """Measure ours and both uses of huey in turn, round by round, and give the medians."""
    reference("huey")
    count = round(_DELIVERIES * scale)
    ours, plain, recorded = [], [], []
    for number in range(_ROUNDS):
        plain.append(huey(directory / f"plain-{number}.db", count, keeps_results=False))
        ours.append(_work(directory / f"project-{number}", count))
        recorded.append(huey(directory / f"recorded-{number}.db", count, keeps_results=True))
    return _report(count, median(ours), median(plain), median(recorded))


def huey(path: Path, count: int, *, keeps_results: bool) -> Cost:
    """Dequeue and execute `count` no-op tasks, one thread, `synchronous=FULL`; filling is not measured."""
    tasks = _huey(path, fsync=True, keeps_results=keeps_results)
    nothing = tasks.task()(_nothing)
    queue = _huey(path, fsync=False, keeps_results=keeps_results).storage
    for _ in range(count):
        queue.enqueue(tasks.serialize_task(nothing.s()))
    with stopwatch(HERE) as taken:
        executed = 0
        while (task := tasks.dequeue()) is not None:
            tasks.execute(task)
            executed += 1
        cost = taken()
    must_be(executed, count, "tasks huey executed")
    return cost


def _huey(path: Path, *, fsync: bool, keeps_results: bool) -> Any:
    return reference("huey").SqliteHuey(filename=str(path), fsync=fsync, store_none=keeps_results)


def _nothing() -> None:
    pass


def _work(root: Path, count: int) -> Cost:
    project = new_project(root, function="nothing")
    project.run("work", "--once")  # makes the store and registers the processor
    start_up = project.run("work", "--once")
    write_files(project.inbox, count)
    project.run("watch", "--once")
    ran = project.run("work", "--once")
    must_be(ran.document["done"], count, "deliveries done")
    return ran.cost - start_up.cost


def _report(count: int, ours: Cost, plain: Cost, recorded: Cost) -> Report:
    return Report(
        measures=[
            Measure(
                name="batched",
                unit="deliveries/s",
                figure=ours.rate(count),
                reference="huey, fsync on, no result kept",
                reference_figure=plain.rate(count),
                target="ratio >= 3",
            ),
        ],
        detail={
            "deliveries": count,
            "huey": version("huey"),
            "rounds": _ROUNDS,
            "cpu_ms_per_delivery": ours.cpu_ms(count),
            "huey_cpu_ms_per_task": plain.cpu_ms(count),
            "huey_keeping_results_per_s": recorded.rate(count),
            "huey_keeping_results_cpu_ms_per_task": recorded.cpu_ms(count),
        },
    )
