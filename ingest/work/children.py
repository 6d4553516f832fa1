"""Child processes as their supervisor sees them: started, woken, heard, and ended with all they began."""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ingest.domain.showing import show
from ingest.work.spec import LOG_FD, REPORT_FD, WAKE_FD, ChildSpec

_log = logging.getLogger(__name__)
_child_log = logging.getLogger("ingest.work.child")

OUTPUT_KEPT = 4096  # bytes of what a processor printed last
OUTPUT_SHOWN = 300
_READ = 65536
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


@dataclass(slots=True)
class Child:
    """One child process; `state` is what it said last."""

    spec: ChildSpec
    process: subprocess.Popen[bytes]
    wake: int
    pipes: dict[int, bytearray]  # by handle: what was read and not yet understood
    output: int
    report: int
    state: Literal["starting", "busy", "idle"] = "starting"
    end: str = ""  # why we killed it
    printed: str = ""  # the end of what its processors printed, once it is dead

    def poke(self) -> None:
        """The child looks for work."""
        self.state = "busy"
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self.wake, b"!")

    def stop(self) -> None:
        """The child finishes what it runs, gives the rest back and exits."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self.wake, b"!")

    def kill(self, why: str) -> None:
        """The child and its process group are dead."""
        self.end = self.end or why
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def death(self) -> str:
        """How the child, which is dead, came to its end, in words."""
        code = self.process.returncode
        if self.end:
            return self.end
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exited with status {code}"


def spawn(spec: ChildSpec, selector: selectors.BaseSelector) -> Child:
    """A child that starts to work by itself, in a session of its own, its output captured."""
    wake_read, wake = os.pipe()
    report, report_write = os.pipe()
    log, log_write = os.pipe()
    output, output_write = os.pipe()
    passed = {WAKE_FD: wake_read, REPORT_FD: report_write, LOG_FD: log_write}
    process = subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-P", "-m", "ingest.work.child"],
        stdin=subprocess.PIPE,
        stdout=output_write,
        stderr=output_write,
        pass_fds=tuple(passed.values()),
        env={**os.environ, **{name: str(handle) for name, handle in passed.items()}},
        start_new_session=True,
    )
    for handle in (*passed.values(), output_write):
        os.close(handle)
    for handle in (report, log, output):
        os.set_blocking(handle, False)
    os.set_blocking(wake, False)
    child = Child(spec, process, wake, {h: bytearray() for h in (report, log, output)}, output, report)
    for handle in child.pipes:
        selector.register(handle, selectors.EVENT_READ, child)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(spec.to_json().encode() + b"\n")  # type: ignore[union-attr]  # it is a pipe
        process.stdin.close()  # type: ignore[union-attr]  # likewise
    return child


def hear(child: Child, handle: int, selector: selectors.BaseSelector) -> Iterator[dict[str, Any]]:
    """What the child reports through `handle`; its log records are logged, its output is kept, bounded."""
    try:
        data = os.read(handle, _READ)
    except BlockingIOError:
        return
    if not data:
        selector.unregister(handle)
        os.close(handle)
        del child.pipes[handle]
        return
    buffer = child.pipes[handle]
    buffer += data
    if handle == child.output:
        del buffer[:-OUTPUT_KEPT]
        return
    *lines, rest = bytes(buffer).split(b"\n")
    buffer[:] = rest
    for line in lines:
        message = json.loads(line)
        if handle == child.report:
            yield message
        else:
            _child_log.log(logging.getLevelName(message["level"]), "%s", message["message"])


def drain(child: Child, selector: selectors.BaseSelector) -> Iterator[dict[str, Any]]:
    """The last reports of a dead child; its pipes are closed."""
    for handle in list(child.pipes):
        while handle in child.pipes:
            before = len(child.pipes[handle])
            yield from hear(child, handle, selector)
            if handle in child.pipes and len(child.pipes[handle]) == before:
                selector.unregister(handle)
                os.close(handle)
                rest = bytes(child.pipes.pop(handle))
                if handle == child.output:
                    child.printed = show(rest.strip()[-OUTPUT_SHOWN:])
    os.close(child.wake)


def become_subreaper() -> None:
    """Orphans of our children become our children (Linux): not even `setsid` takes them out of reach."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def sweep(known: set[int]) -> int:
    """Every child of this process that is not in `known` is dead and reaped; how many there were."""
    swept = 0
    while orphans := [pid for pid in _children() if pid not in known]:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            swept += 1
    return swept


def _children() -> list[int]:
    """Our children's pids, as proc(5) lists them; none where there is no /proc."""
    with contextlib.suppress(OSError):
        tasks = Path("/proc/self/task").iterdir()
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    return []
