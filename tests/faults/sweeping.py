"""A command is tried with a fault at file-system call 1, 2, 3 … until none is reached any more.

`make sweep` tries every call; otherwise one is, another one each time.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline
from tests.faults.faulty import Fault, faulty

IS_WHOLE = "INGEST_SWEEP" in os.environ
PARTS = range(8 if IS_WHOLE else 1)
FAULTS = {
    "killed": Fault(how="kill"),
    "eio": Fault(how="EIO"),
    "enospc": Fault(how="ENOSPC"),
    "short": Fault(how="short", calls="write,pwrite"),
    "enospc-lasting": Fault(how="ENOSPC", is_lasting=True),
    "eio-lasting": Fault(how="EIO", is_lasting=True),
}
if IS_WHOLE:
    FAULTS["eio-looking"] = Fault(how="EIO", calls="stat,list,lock")
    FAULTS["eio-looking-lasting"] = Fault(how="EIO", calls="stat,list,lock", is_lasting=True)
ANSWERS = {0, 2, 3, 65, 69, 73, 75, -9}  # what a command may end with: never 1, never a crash
TIMEOUT = pytest.mark.timeout(1800 if IS_WHOLE else 180)


def within(part: int, window: range, fault: Fault) -> Iterable[int]:
    """The calls at which a fault is tried: all of this part, or one of the window.

    The window is one of all calls; a fault of which only some count is tried from the first of them.
    """
    start, length = (1, len(window) // 3) if fault.calls else (window.start, len(window))
    if IS_WHOLE:
        return count(start + part, len(PARTS))
    return [random.choice(range(start, start + length))]


def fault_named(name: str) -> Fault:
    """The fault of this name; of the name `any`: one of them, another one each time."""
    return random.choice(list(FAULTS.values())) if name == "any" else FAULTS[name]


def struck(
    below: Path, original: Pipeline, fault: Fault, at: Iterable[int], *args: str
) -> Iterator[Pipeline]:
    """Copies of a project in which the command has met the fault at one call each, and ended decently.

    The number of the call is the name of the copy. It ends with the first call that is not reached.
    """
    for number in at:
        project = original.copy(below / str(number))
        happened = is_reached(project, fault.after(number), *args)
        yield project
        shutil.rmtree(project.root)
        if not happened:
            break


def is_reached(project: Pipeline, fault: Fault, *args: str) -> bool:
    """The command met the fault, if it came that far, and ended decently and in time."""
    with faulty(project.root, fault) as met:
        done = met.run(*args)
        happened = met.calls() >= fault.at

    assert b"Traceback" not in done.stderr, (fault, done.stderr[-3000:])
    assert done.returncode in ANSWERS, (fault, done.returncode, done.stderr[-2000:])
    assert (done.returncode == -9) <= (fault.how == "kill"), fault
    return happened
