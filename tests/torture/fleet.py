"""The processes of a campaign: watchers and workers that run until stopped, commands that come to an end."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.project import Project
from tests.torture.trace import Trace, Violation

RSS_MAX = 250 << 20  # bytes of any one process that does not eat memory on purpose
COMMAND_SECONDS = 240.0  # on a machine that does other things too
STOP_SECONDS = 60.0


@dataclass(slots=True)
class Member:
    """One watcher or worker."""

    kind: str  # watch | work
    args: tuple[str, ...]
    process: subprocess.Popen[bytes]
    log: Path
    may_end: set[int] = field(default_factory=set)  # exit codes that we brought about
    started_at: float = field(default_factory=time.monotonic)
    asked_to_stop_at: float = 0.0
    stopped: set[int] = field(default_factory=set)  # pids that are suspended


@dataclass(slots=True)
class Command:
    """A command that a person gave, running beside everything else."""

    args: tuple[str, ...]
    allowed: frozenset[int]
    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    began: float


class Fleet:
    """Starts, signals and counts the processes; whatever ends by itself is a violation."""

    def __init__(self, project: Project, trace: Trace) -> None:
        self.members: list[Member] = []
        self.commands: list[Command] = []
        self.largest: dict[str, int] = {}  # by kind: bytes of resident memory
        self.workers_killed = 0
        self.is_disk_full = False
        self._project, self._trace = project, trace
        self._started = 0

    def start(self, kind: str, *args: str) -> Member:
        """One more watcher or worker runs."""
        self._started += 1
        log = self._project.root / "logs" / f"{self._started:04}-{kind}"
        process = self._popen((kind, *args), log.with_suffix(".out"), log.with_suffix(".err"))
        member = Member(kind, args, process, log)
        if self.is_disk_full:
            member.may_end = {73, 75}  # it cannot be listed now; whoever started it tries again
        self.members.append(member)
        self._trace.note(f"start: {kind}", pid=process.pid)
        return member

    def command(self, *args: str, allowed: Sequence[int] = (0,)) -> Command:
        """A command begins."""
        self._started += 1
        log = self._project.root / "logs" / f"{self._started:04}-{args[0]}"
        out, err = log.with_suffix(".out"), log.with_suffix(".err")
        codes = frozenset(allowed) | ({73, 75} if self.is_disk_full else set())
        made = Command(args, codes, self._popen(args, out, err), out, err, time.monotonic())
        self.commands.append(made)
        self._trace.note(f"command: {' '.join(args[:2])}", args=args, pid=made.process.pid)
        return made

    def ended_commands(self) -> Iterator[Command]:
        """Commands that have come to an end, each as it was allowed to."""
        for command in list(self.commands):
            code = command.process.poll()
            if code is None:
                if time.monotonic() - command.began > COMMAND_SECONDS:
                    raise Violation("I18", f"hangs: {command.args}, pid {command.process.pid}")
                continue
            self.commands.remove(command)
            said = command.err.read_text(errors="replace")
            if code not in command.allowed or "Traceback" in said:
                raise Violation("I17", f"{command.args} exited {code}: {said[-1500:]}")
            yield command

    def check(self) -> None:
        """Nobody has ended by itself; whoever ended because of us is gone from the list."""
        for member in list(self.members):
            code = member.process.poll()
            if code is None:
                late = time.monotonic() - member.asked_to_stop_at > STOP_SECONDS
                if member.asked_to_stop_at and not member.stopped and late:
                    raise Violation("I12", f"{member.kind} {member.process.pid} does not stop")
                continue
            self.members.remove(member)
            self._trace.note(f"end: {member.kind}", pid=member.process.pid, code=code)
            if code not in member.may_end:
                said = member.log.with_suffix(".err").read_text(errors="replace")
                which = "I12" if member.asked_to_stop_at else "I17"
                raise Violation(which, f"{member.kind} {member.process.pid} exited {code}: {said[-3000:]}")

    def signal(self, member: Member, which: signal.Signals) -> None:
        """The member has the signal, and what it may bring about is known."""
        if which is signal.SIGKILL:
            member.may_end.add(-signal.SIGKILL)
            self.workers_killed += member.kind == "work"
        if which is signal.SIGTERM:
            member.may_end.add(0)
            if member.asked_to_stop_at:  # asked again: at once
                member.may_end |= {130, 143, -signal.SIGINT, -signal.SIGTERM}
            if self.is_disk_full:
                member.may_end.add(73)  # it cannot sign off
            member.asked_to_stop_at = member.asked_to_stop_at or time.monotonic()
        member.process.send_signal(which)

    def suspend(self, member: Member, pids: Sequence[int]) -> None:
        """These processes of the member stand still."""
        for pid in pids:
            send(pid, signal.SIGSTOP)
            member.stopped.add(pid)

    def resume(self, member: Member) -> None:
        """Whatever of the member stood still goes on."""
        for pid in member.stopped:
            send(pid, signal.SIGCONT)
        member.stopped.clear()
        if member.asked_to_stop_at:
            member.asked_to_stop_at = time.monotonic()

    def stop(self) -> None:
        """All have been asked to stop, and did so in time with exit 0."""
        for member in self.members:
            self.resume(member)
            self.signal(member, signal.SIGTERM)
        while self.members:
            self.check()
            time.sleep(0.05)

    def kill_everything(self) -> None:
        """No process of this campaign is left, whatever it was."""
        for pid in self.all_processes():
            send(pid, signal.SIGKILL)
        for process in [m.process for m in self.members] + [c.process for c in self.commands]:
            process.wait()

    def all_processes(self) -> list[int]:
        """Every process that stems from this campaign, whoever adopted it."""
        mark = f"TORTURE_ROOT={self._project.root}\0".encode()
        return [pid for pid in _pids() if mark in _read(pid, "environ") and _state(pid) != "Z"]

    def children(self, member: Member) -> list[int]:
        """The child processes of a supervisor."""
        pid = member.process.pid
        return [int(child) for child in _read(pid, f"task/{pid}/children").split()]

    def sample_memory(self) -> None:
        """No process is larger than it may be; those in which a processor eats memory apart."""
        for member in self.members:
            for pid in (member.process.pid, *self.children(member)):
                pages = _read(pid, "statm").split()
                if not pages:
                    continue
                kind = member.kind if pid == member.process.pid else "child"
                size = int(pages[1]) * resource.getpagesize()
                self.largest[kind] = max(self.largest.get(kind, 0), size)
                if kind != "child" and size > RSS_MAX:
                    raise Violation("I20", f"{kind} {pid} holds {size >> 20} MiB")

    def _popen(self, args: Sequence[str], out: Path, err: Path) -> subprocess.Popen[bytes]:
        with out.open("wb") as stdout, err.open("wb") as stderr:
            return subprocess.Popen(
                self._project.command(*args),
                cwd=self._project.root,
                env=self._project.environment(),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208  # /proc vanishes under us


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _state(pid: int) -> str:
    return _read(pid, "stat").rpartition(b") ")[2][:1].decode()


def send(pid: int, which: signal.Signals) -> None:
    """The process has the signal, if it is still there."""
    try:
        os.kill(pid, which)
    except ProcessLookupError:
        return
