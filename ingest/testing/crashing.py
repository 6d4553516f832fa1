"""A real crash: a process of its own that is killed with SIGKILL at a named point of a delivery."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Literal

from ingest.contract import Processor

Point = Literal["ran", "committing", "committed"]
POINTS: tuple[Point, ...] = ("ran", "committing", "committed")
_SURVIVED, _FAILED = 0, 1


def die_at(point: Point, processors: Sequence[Processor], work: Callable[[], None]) -> None:
    """A copy of this process has called `work` and was killed at `point`.

    Nothing may be open that a copy must not share. Raises `AssertionError`
    when the point was not reached.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the copy uses none
        pid = os.fork()
    if pid == 0:
        _die(point, processors, work)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != -signal.SIGKILL:
        reason = "nothing was due" if status == _SURVIVED else "the worker failed before"
        msg = f"no crash happened: {reason}"
        raise AssertionError(msg)


def _die(point: Point, processors: Sequence[Processor], work: Callable[[], None]) -> None:
    """This process does not return."""
    code = _FAILED
    try:
        sys.setprofile(_killer(point, processors))
        work()
        code = _SURVIVED
    finally:
        os._exit(code)


def _killer(point: Point, processors: Sequence[Processor]) -> Callable[[FrameType, str, Any], None]:
    """Kills this process; the interpreter tells it of every call, so nothing of the engine is changed."""
    codes = {each.function.__code__ for each in processors}
    has_run = False

    def watch(frame: FrameType, happened: str, what: Any) -> None:
        nonlocal has_run
        if happened == "return" and frame.f_code in codes:
            has_run = True
            if point == "ran":
                os.kill(os.getpid(), signal.SIGKILL)
        wanted = "c_call" if point == "committing" else "c_return"
        is_commit = happened == wanted and getattr(what, "__name__", "") == "commit"
        if has_run and point != "ran" and is_commit:
            os.kill(os.getpid(), signal.SIGKILL)

    return watch
