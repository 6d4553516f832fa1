"""Claiming and completing no-op deliveries, every promise kept, against huey on SQLite with fsync on.

One by one: each delivery is completed in a commit of its own, and the next
claim is part of the last commit of a hold. Batched: 64 share a commit in this
process, or as many as `ingest work --once` lets share one, less what the
command takes for a single delivery, most of which is its start.

huey takes a task with one commit that deletes it before it runs, so a crash
loses it; it keeps no result of a task that returns nothing, unless it is told
to (`store_none`), with a second commit. Both are measured: the first is the
faster and the one our ratios are taken against, the second is nearer to what a
recorded outcome promises. It is measured a third time on the SQLite that we
use: pysqlite3 is built without fdatasync, so that each commit of ours, and of
huey on it, also waits for the file's metadata. persist-queue, another queue in
one SQLite file, takes and acknowledges with a commit each.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.backlog import new_backlog
from benchmarks.corpus import write_files
from benchmarks.measure import HERE, Cost, Measure, Report, median, product_sqlite, reference, stopwatch
from benchmarks.project import Project, must_be, new_project

_DELIVERIES = 640  # in each round
_ROUNDS = 15
_PREFETCH = 32  # deliveries claimed at once, each completed by itself
_TOGETHER = 64  # deliveries that share a commit
_FILES = 10_000  # for the command, whose start has to be subtracted
_COMMANDS = 3

Turn = Callable[[int], Cost]  # so many deliveries or tasks are made, and then done: what the latter took


def run(scale: float, directory: Path) -> Report:
    """Measure all in turn, in many short rounds, and give the medians."""
    reference("huey")
    reference("persistqueue")
    count, files = round(_DELIVERIES * scale), round(_FILES * scale)
    costs: dict[str, list[Cost]] = {"command": []}
    with ExitStack() as stack:
        turns: dict[str, Turn] = {  # each of ours stands beside one of huey's
            "huey": _huey(directory / "huey.db", keeps_results=False),
            "one": stack.enter_context(_lanes(directory / "one.db", hold=_PREFETCH, a_commit=1)),
            "kept": _huey(directory / "kept.db", keeps_results=True),
            "batched": stack.enter_context(
                _lanes(directory / "batched.db", hold=_TOGETHER, a_commit=_TOGETHER)
            ),
            "alike": _huey(directory / "alike.db", keeps_results=False, sqlite=product_sqlite()),
            "persistqueue": _persistqueue(directory / "persistqueue"),
        }
        for number in range(_ROUNDS):
            for name, turn in turns.items():
                costs.setdefault(name, []).append(turn(count))
            if number % (_ROUNDS // _COMMANDS) == 0:
                costs["command"].append(_command(directory / f"project-{number}", files))
    return _report(count, files, {name: median(taken) for name, taken in costs.items()})


@contextmanager
def _lanes(path: Path, *, hold: int, a_commit: int) -> Iterator[Turn]:
    """Ours: `hold` deliveries claimed at once, `a_commit` of them completed in each commit."""
    with new_backlog(path) as backlog:

        def turn(count: int) -> Cost:
            backlog.append(count)
            with stopwatch(HERE) as taken:
                done = backlog.work_off(hold=hold, a_commit=a_commit)
                cost = taken()
            must_be(done, count, "deliveries done")
            return cost

        yield turn


def _huey(path: Path, *, keeps_results: bool, sqlite: ModuleType = sqlite3) -> Turn:
    """Huey's: tasks dequeued and executed by one thread at `synchronous=FULL`; filling is not measured."""
    vars(reference("huey.storage"))["sqlite3"] = sqlite  # it connects at the first use, which is below
    tasks = _queue(path, fsync=True, keeps_results=keeps_results)
    nothing = tasks.task()(_nothing)
    filling = _queue(path, fsync=False, keeps_results=keeps_results).storage
    must_be(len(tasks) + filling.queue_size(), 0, "tasks of a new queue")

    def turn(count: int) -> Cost:
        for _ in range(count):
            filling.enqueue(tasks.serialize_task(nothing.s()))
        with stopwatch(HERE) as taken:
            executed = 0
            while (task := tasks.dequeue()) is not None:
                tasks.execute(task)
                executed += 1
            cost = taken()
        must_be(executed, count, "tasks huey executed")
        return cost

    return turn


def _persistqueue(path: Path) -> Turn:
    """Items got and acknowledged by one thread, at SQLite's default of `synchronous=FULL`."""
    queue = reference("persistqueue").SQLiteAckQueue(str(path), auto_commit=True)

    def turn(count: int) -> Cost:
        for number in range(count):
            queue.put(number)
        with stopwatch(HERE) as taken:
            for _ in range(count):
                queue.ack(queue.get(block=False))
            cost = taken()
        must_be(queue.acked_count(), count, "items persist-queue acknowledged")
        queue.clear_acked_data(keep_latest=0)
        return cost

    return turn


def _command(root: Path, count: int) -> Cost:
    """Run `ingest work --once` on deliveries that wait, less what it takes for one, its start included."""
    project = new_project(root, function="nothing")
    project.run("work", "--once")  # makes the store and registers the processor
    start_up = _work_off(project, 1, first=0)
    return _work_off(project, 1 + count, first=1) - start_up


def _work_off(project: Project, count: int, *, first: int) -> Cost:
    write_files(project.inbox, count, first=first)
    project.run("watch", "--once")
    ran = project.run("work", "--once")
    must_be(ran.document["done"], count, "deliveries done")
    return ran.cost


def _queue(path: Path, *, fsync: bool, keeps_results: bool) -> Any:
    return reference("huey").SqliteHuey(filename=str(path), fsync=fsync, store_none=keeps_results)


def _nothing() -> None:
    pass


def _report(count: int, files: int, costs: dict[str, Cost]) -> Report:
    huey = costs["huey"].rate(count)
    return Report(
        measures=[
            _measure("one by one", costs["one"].rate(count), huey, "ratio >= 1.0"),
            _measure("batched", costs["batched"].rate(count), huey, "ratio >= 5"),
            _measure("batched, ingest work --once", costs["command"].rate(files), huey, "ratio >= 5"),
        ],
        detail={
            "deliveries_a_round": count,
            "rounds": _ROUNDS,
            "deliveries_a_command": files,
            "huey": version("huey"),
            "cpu_ms_each": costs["one"].cpu_ms(count),
            "batched_cpu_ms_each": costs["batched"].cpu_ms(count),
            "command_cpu_ms_each": costs["command"].cpu_ms(files),
            "huey_cpu_ms_each": costs["huey"].cpu_ms(count),
            "huey_per_s": costs["huey"].rate(count),
            "huey_on_our_sqlite_per_s": costs["alike"].rate(count),
            "huey_keeping_results_per_s": costs["kept"].rate(count),
            "huey_keeping_results_cpu_ms_each": costs["kept"].cpu_ms(count),
            "persistqueue": version("persist-queue"),
            "persistqueue_per_s": costs["persistqueue"].rate(count),
            "persistqueue_cpu_ms_each": costs["persistqueue"].cpu_ms(count),
        },
    )


def _measure(name: str, rate: float, theirs: float, target: str) -> Measure:
    return Measure(
        name=name,
        unit="deliveries/s",
        figure=rate,
        reference="huey, fsync on, no result kept",
        reference_figure=theirs,
        target=target,
    )
