"""Asking processors what they declare, without importing them here: a process of its own does.

A module that hangs, crashes, kills its parent or prints without end when it
is imported ends that process and nothing else, and what is wrong is said.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ingest.config import ProcessorSettings
from ingest.errors import IngestError, ProcessorUnloadable, TryAgain, UsageError
from ingest.work.deaths import in_words, unrepeated
from ingest.work.declared import Declared
from ingest.work.leftovers import MARK, end_descendants, mark_of
from ingest.work.outages import cannot_start
from ingest.work.pipes import heard
from ingest.work.rooms import lent_room
from ingest.work.spec import REPORT_FD

TICK = 0.04  # seconds between two looks at whether to give up
_READ = 65536
_LAST_READS = 64  # once it is dead: somebody may still write to its pipes
_REPORT_KEPT = 2**24  # bytes; whoever says more is not ours
_OPEN = "`ingest try` imports it in the open: correct it, or take the processor out of ingest.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which processors are asked, and how long their imports may take in all."""

    processors: Sequence[ProcessorSettings]
    local: Path | None  # the user's folder of processors
    limit: timedelta
    owner: str  # who asks, by an id that is never used again
    room: Path  # for temporary files


def ask(question: Question, is_given_up: Callable[[], bool]) -> dict[str, Declared] | None:
    """What each processor declares, by name; None when it was given up meanwhile.

    Its options have been checked. Raises `UsageError` for code that cannot be
    found or raises when it is imported, and for options that it refuses;
    `ProcessorUnloadable` where the import does not end, or ends the process;
    `TryAgain` where that is killed, by whomever.
    """
    until = time.monotonic() + question.limit.total_seconds()
    if not question.processors:
        return {}
    with _asked(question) as asked:
        while not asked.has_answered():
            if asked.is_over() and not asked.has_answered():
                raise asked.ended()
            if time.monotonic() > until:
                hint = f"{_OPEN}; or give it longer with work.start_timeout"
                raise asked.unloadable(f"took longer than {question.limit.total_seconds():g} s", hint)
            if is_given_up():
                return None
    return asked.declared


@dataclass(slots=True)
class _Asked:
    """The process that was asked, and what it has said so far."""

    process: subprocess.Popen[bytes]
    names: frozenset[str]  # of the processors
    output: int
    selector: selectors.BaseSelector
    declared: dict[str, Declared] = field(default_factory=dict)
    loading: str = ""  # the processor whose module is being imported
    printed: int = 0  # bytes
    said: bytearray = field(default_factory=bytearray)

    def has_answered(self) -> bool:
        """True when every processor has declared itself."""
        return self.declared.keys() >= self.names

    def is_over(self) -> bool:
        """True when the process has ended; what it said until then, or within a moment, is known."""
        if self.process.poll() is None:
            self.listen(TICK)
            return False
        for _ in range(_LAST_READS):
            if not self.listen(0):
                break
        return True

    def listen(self, seconds: float) -> bool:
        """True when it said or printed something; raises as `ask` does for a processor that is refused."""
        ready = self.selector.select(seconds)
        for key, _ in ready:
            data = os.read(key.fd, _READ)
            if not data:
                self.selector.unregister(key.fd)
            elif key.fd == self.output:
                self.printed += len(data)
            else:
                self._understand(data)
        return bool(ready)

    def ended(self) -> IngestError:
        """Why it said no more: something in a module, or somebody who killed it."""
        error = self.unloadable(f"ended the process: {in_words(self.process.returncode)}", _OPEN)
        if self.process.returncode == -signal.SIGKILL:
            return TryAgain(error.message, hint="see who kills it, or whether memory is short")
        return error

    def unloadable(self, what: str, hint: str) -> ProcessorUnloadable:
        which = f"processor {self.loading!r}" if self.loading else "processors"
        return ProcessorUnloadable(f"the import of {which} {what}{unrepeated(self.printed)}", hint=hint)

    def _understand(self, data: bytes) -> None:
        self.said += data[: _REPORT_KEPT - len(self.said)]
        *lines, rest = bytes(self.said).split(b"\n")
        self.said[:] = rest
        try:
            for line in lines:
                self._take(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise self.unloadable("said what is no report", _OPEN) from None

    def _take(self, found: dict[str, Any]) -> None:
        name = str(found["name"])
        match found["kind"]:
            case "loading":
                self.loading = name
            case "declared":
                self.declared[name] = Declared.from_json(found["declared"])
            case "refused":
                raise UsageError(str(found["error"]), hint=str(found["hint"]))
            case _:
                raise ValueError


@contextmanager
def _asked(question: Question) -> Iterator[_Asked]:
    """The process runs within the block; after it, it is gone with all that it brought about."""
    with ExitStack() as ours, ExitStack() as its:
        try:
            selector = ours.enter_context(selectors.DefaultSelector())
            (report, its_report), (output, its_output) = (heard(ours, its) for _ in range(2))
            process = _start(question, its_report, its_output)
        except OSError as error:
            raise cannot_start(error) from error
        its.close()
        for handle in (report, output):
            selector.register(handle, selectors.EVENT_READ)
        try:
            yield _Asked(process, frozenset(each.name for each in question.processors), output, selector)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            end_descendants(question.owner)


def _start(question: Question, report: int, output: int) -> subprocess.Popen[bytes]:
    own = {REPORT_FD: str(report), MARK: mark_of(question.owner, 0), "TMPDIR": str(question.room)}
    process = subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-P", "-B", "-m", "ingest.work.declare"],  # who only asks writes nothing
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        pass_fds=(report,),
        env={**os.environ, **own},
        start_new_session=True,
    )
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(_told(question).encode() + b"\n")  # type: ignore[union-attr]  # it is a pipe
        process.stdin.close()  # type: ignore[union-attr]  # likewise
    return process


def _told(question: Question) -> str:
    return json.dumps(
        {
            "parent": os.getpid(),
            "processors_dir": None if question.local is None else str(question.local),
            "processors": [
                {"name": p.name, "use": p.use, "options": dict(p.options), "memory_max": p.memory_max}
                for p in question.processors
            ],
        }
    )


def ask_now(
    processors: Sequence[ProcessorSettings], *, local: Path | None, limit: timedelta
) -> dict[str, Declared]:
    """What each processor declares, by name; raises as `ask` does."""
    with lent_room() as room:
        question = Question(
            processors=processors, local=local, limit=limit, owner=f"asker-{uuid.uuid4().hex[:16]}", room=room
        )
        return ask(question, lambda: False) or {}
