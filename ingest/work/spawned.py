"""Child processes as their supervisor sees them: started, woken, heard, and ended with all they began.

A child runs code we did not write, so nothing it says is trusted to make
sense: what cannot be understood is dropped, and nothing grows without bound.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from ingest.domain.showing import show
from ingest.errors import IngestError
from ingest.work.deaths import in_words
from ingest.work.keeper import DAMAGED
from ingest.work.leftovers import MARK, mark_of
from ingest.work.pipes import heard, told
from ingest.work.spec import LOG_FD, REPORT_FD, WAKE_FD, ChildSpec

_log = logging.getLogger(__name__)
_child_log = logging.getLogger("ingest.work.child")

LINE_KEPT = 65536  # bytes of one report or log record; a longer one is dropped
_READ = 65536
_LAST_READS = 64  # of each pipe of a dead child: somebody may still write to it
_ENDS = ("done", "retrying", "dead", "superseded", "crashed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One report of a child: how far it has come, how deliveries ended, what stands in its way."""

    kind: Literal["loaded", "ready", "idle", "ended", "refused", "failed"]
    ended: dict[str, int]
    error: str = ""
    hint: str = ""
    exit_code: int = 1


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
    has_loaded: bool = False  # its processors are imported
    trouble: IngestError | None = None  # what it says is wrong with the surroundings
    end: str = ""  # why we killed it
    failure: IngestError | None = None  # what it gave up with
    printed: int = 0  # bytes that its processors printed
    has_babbled: bool = False  # it said something that is no report
    started_at: float = field(default_factory=time.monotonic)
    heard_at: float = field(default_factory=time.monotonic)  # when it gave the last sign of life

    @property
    def mark(self) -> str:
        """What every process carries that descends from this child."""
        return mark_of(self.spec.worker, self.spec.child)

    def poke(self) -> None:
        """The child looks for work."""
        self.state, self.heard_at = "busy", time.monotonic()
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
        if code == DAMAGED:
            return "it closed files that the engine had open"
        return in_words(code)


def spawn(spec: ChildSpec, selector: selectors.BaseSelector) -> Child:
    """A child that starts to work by itself, in a session of its own, its output captured.

    Raises `OSError` where the system refuses it; nothing is left open then.
    """
    with ExitStack() as ours, ExitStack() as its:
        wake, its_wake = told(ours, its)
        report, its_report = heard(ours, its)
        log, its_log = heard(ours, its)
        output, its_output = heard(ours, its)
        process = _start(spec, {WAKE_FD: its_wake, REPORT_FD: its_report, LOG_FD: its_log}, its_output)
        ours.pop_all()
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


def _start(spec: ChildSpec, passed: Mapping[str, int], output: int) -> subprocess.Popen[bytes]:
    own = {name: str(handle) for name, handle in passed.items()}
    return subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-P", "-m", "ingest.work.child"],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        pass_fds=tuple(passed.values()),
        env={**os.environ, **own, MARK: mark_of(spec.worker, spec.child), "TMPDIR": spec.room},
        start_new_session=True,
    )


def hear(child: Child, handle: int, selector: selectors.BaseSelector) -> Iterator[Said]:
    """What the child reports through `handle`; its log records are logged, its output is counted."""
    try:
        data = os.read(handle, _READ)
    except BlockingIOError:
        return
    child.heard_at = time.monotonic()
    if not data:
        selector.unregister(handle)
        os.close(handle)
        del child.pipes[handle]
        return
    if handle == child.output:
        child.printed += len(data)
        return
    buffer = child.pipes[handle]
    buffer += data
    *lines, rest = bytes(buffer).split(b"\n")
    buffer[:] = rest if len(rest) <= LINE_KEPT else b""
    for line in lines:
        if handle != child.report:
            _relay(line)
        elif said := _understood(line):
            yield said
        elif not child.has_babbled:
            child.has_babbled = True
            _log.warning("a child said what is no report; a processor may have written it")


def drain(child: Child, selector: selectors.BaseSelector) -> Iterator[Said]:
    """The last reports of a dead child; its pipes are closed."""
    for handle in list(child.pipes):
        for _ in range(_LAST_READS):
            if handle not in child.pipes:
                break
            yield from hear(child, handle, selector)
        if handle in child.pipes:  # a process that it left behind holds the other end
            selector.unregister(handle)
            os.close(handle)
            del child.pipes[handle]
    os.close(child.wake)


def _understood(line: bytes) -> Said | None:
    """The report as it was meant; None for a line that is none."""
    try:
        found = json.loads(line)
        return _said(found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _said(found: dict[str, Any]) -> Said | None:
    kind = found["kind"]
    if kind not in ("loaded", "ready", "idle", "ended", "refused", "failed"):
        return None
    return Said(
        kind=kind,
        ended={end: int(found[end]) for end in _ENDS if end in found},
        error=str(found.get("error", "")),
        hint=str(found.get("hint", "")),
        exit_code=int(found.get("exit", 1)),
    )


def _relay(line: bytes) -> None:
    """A log record of a child is logged here, as one line; what is none is dropped."""
    try:
        found = json.loads(line)
        level, message = logging.getLevelNamesMapping()[found["level"]], str(found["message"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    _child_log.log(level, "%s", message if message.isprintable() else show(message))
