"""Departures done folder by folder: a folder is opened once, and on disk before what was done there counts.

Once so many have failed one after the other that what stands in the way
concerns all, the rest is not tried.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from ingest.store.departures import GONE, Departed, Departure, Failed
from ingest.watch.leaving.departing import Result, Stray, Way
from ingest.watch.names import ticket_in
from ingest.watch.seeing.root import Root

_IN_A_ROW = 16  # failures one after the other, after which the rest waits too


class Task(NamedTuple):
    """A departure to be done, and the private name under which its file lies already, if it does."""

    departure: Departure
    private: bytes = b""


CameOf = Callable[[int, Task, Way], Result]  # the folder, open; what is to be done; and how


def tasks_of(root: Root, page: Sequence[Departure]) -> list[Task]:
    """What is to be done for each of `page`; what is not at its path may lie under a private name."""
    tasks = []
    for folder, group in groupby(page, key=_folder):
        together = list(group)
        hidden: dict[str, list[bytes]] = {}
        if not all(root.shows(departure.path, departure.delivered) for departure in together):
            hidden = _hidden(root, folder)
        for departure in together:
            names = hidden.get(departure.ticket, [b""])
            tasks += [Task(departure, name) for name in names]
    return tasks


def do(root: Root, tasks: Sequence[Task], way: Way, came_of: CameOf) -> list[Result]:
    """What came of `tasks`, which are sorted by path, as far as they were tried; `came_of` does one."""
    results: list[Result] = []
    for folder, group in groupby(tasks, key=lambda task: _folder(task.departure)):
        together = list(group)
        try:
            handle = root.open_folder(folder)
        except OSError as error:
            results += [_unreached(task, error) for task in together]
            continue
        try:
            results += _do_in(handle, together, way, came_of)
        finally:
            os.close(handle)
        if _are_in_vain(results):
            break
    return results


def name_of(path: bytes) -> bytes:
    """What the path ends in."""
    return path.rpartition(b"/")[2]


def _hidden(root: Root, folder: bytes) -> dict[str, list[bytes]]:
    """The private names in the folder, by the tickets they carry."""
    found: dict[str, list[bytes]] = defaultdict(list)
    try:
        with root.folder(folder) as handle, os.scandir(handle) as entries:
            for entry in entries:
                name = os.fsencode(entry.name)
                ticket = ticket_in(name)
                if ticket is not None:
                    found[ticket].append(name)
    except OSError:  # it went: so did what lay in it
        return {}
    return found


def _do_in(handle: int, tasks: Sequence[Task], way: Way, came_of: CameOf) -> list[Result]:
    results: list[Result] = []
    for task in tasks:
        results.append(came_of(handle, task, way))
        if isinstance(results[-1], Departed | Stray):
            way.exit.forget(task.departure, way.database)
        if _are_in_vain(results):
            break
    try:
        way.exit.sync()
        os.fsync(handle)
    except OSError as error:  # what was done may not survive a power cut: it is looked at again
        return [
            Failed(task.departure.ticket, str(error.strerror))
            for task, _ in zip(tasks, results, strict=False)
        ]
    return results


def _are_in_vain(results: Sequence[Result]) -> bool:
    """True when so many failed one after the other that what stands in the way concerns all."""
    return len(results) >= _IN_A_ROW and all(isinstance(r, Failed) for r in results[-_IN_A_ROW:])


def _unreached(task: Task, error: OSError) -> Result:
    """A file whose folder cannot be opened: it went with its folder, or waits."""
    ticket = task.departure.ticket
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Departed(ticket, GONE)
    return Failed(ticket, str(error.strerror))


def _folder(departure: Departure) -> bytes:
    return departure.path.rpartition(b"/")[0]
