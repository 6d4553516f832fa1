"""Processes that a processor left behind: none outlives the child that brought it about.

Three nets, each for what slips through the one before. A child leads a
process group, which is killed with it. The supervisor is a subreaper (Linux),
so whatever left that group with `setsid` becomes its own child once orphaned.
And every descendant carries a mark in its environment, by which the next
worker finds what a supervisor that was killed itself could not end any more.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

MARK = "INGEST_CHILD"  # names, in the environment, the worker and child a process descends from
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 1, 36, 37  # prctl(2)
_ROUNDS = 20  # what is being killed may fork meanwhile
_DEATH_TAKES = 5.0  # seconds at most until a killed process is gone


def mark_of(worker: str, child: int) -> str:
    """What the environment variable `MARK` of a child, and of all that descends from it, says."""
    return f"{worker}/{child}"


@contextlib.contextmanager
def subreaper() -> Iterator[None]:
    """Orphans of our children become our children (Linux): not even `setsid` takes them out of reach.

    Afterwards it is as before: whoever called us may start processes that are nobody's to end.
    """
    if sys.platform != "linux":
        yield
        return
    prctl, before = ctypes.CDLL(None).prctl, ctypes.c_int()
    prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before))
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, before.value)


def die_with(parent: int) -> None:
    """SIGKILL reaches this process when `parent`, which started it, dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def sweep(known: Collection[int], *, spared: Collection[str] = ()) -> int:
    """Every child of this process is dead and reaped, but for `known` ones and those with a mark in `spared`.

    Returns how many there were.
    """
    swept = 0
    while orphans := [pid for pid in children() if pid not in known and _mark(pid) not in spared]:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            swept += 1
    return swept


def end_descendants(worker: str) -> int:
    """No process that descends from a child of `worker`, which died, is left; how many there were (Linux)."""
    ended = 0
    for _ in range(_ROUNDS):
        found = [pid for pid in _processes() if _mark(pid).startswith(f"{worker}/")]
        if not found:
            break
        ended += sum(_kill(pid, lambda pid: _mark(pid).startswith(f"{worker}/")) for pid in found)
    return ended


def children() -> list[int]:
    """The pids of this process's children, as proc(5) lists them; none where there is no /proc."""
    with contextlib.suppress(OSError):
        tasks = Path("/proc/self/task").iterdir()
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    return []


def _processes() -> Iterator[int]:
    """Every other process of this user; none where there is no /proc."""
    with contextlib.suppress(OSError), os.scandir("/proc") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                is_ours = entry.name.isdigit() and entry.stat().st_uid == os.getuid()
                if is_ours and int(entry.name) != os.getpid():
                    yield int(entry.name)


def _mark(pid: int) -> str:
    """The mark a process carries; empty for none. It is what stood there when its program was started."""
    with contextlib.suppress(OSError):
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if variable.startswith(f"{MARK}=".encode()):
                return os.fsdecode(variable).partition("=")[2]
    return ""


def _kill(pid: int, is_it: Callable[[int], bool]) -> bool:
    """The process is dead; False when it was so before, or its number names another one by now."""
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return False
    try:
        if not is_it(pid):  # asked again now that the handle cannot come to mean another process
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], _DEATH_TAKES)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
