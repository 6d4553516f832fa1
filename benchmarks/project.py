"""A throwaway project on which the product's own commands are run, as an operator would run them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import BELOW, Cost, stopwatch

_CONFIG = """\
version = 1

[[source]]
name = "bench"
path = "inbox"
complete = "renamed"

[work]
concurrency = 1

[[processor]]
name = "trivial"
use = "processors.trivial:{function}"
"""
Process = subprocess.Popen[bytes]

_PATIENCE = 600.0  # seconds, after which a wait is given up
_STOPPING = 60.0  # seconds that a command may take to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One command that came to its end: what it took, and the document it printed."""

    cost: Cost
    document: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A directory with `ingest.toml`, an inbox and one processor; the first command makes its store."""

    root: Path

    @property
    def inbox(self) -> Path:
        """Where files land."""
        return self.root / "inbox"

    @property
    def store(self) -> Path:
        """The SQLite database, to be read only."""
        return self.root / ".ingest" / "ingest.db"

    def run(self, *arguments: str) -> Ran:
        """Run one command with `--json` to its end, which must be exit 0."""
        command = self._command(*arguments, "--json")
        with stopwatch(BELOW) as taken:
            ended = subprocess.run(
                command, env=_environment(), check=True, stdout=subprocess.PIPE, timeout=_PATIENCE
            )
            cost = taken()
        return Ran(cost=cost, document=json.loads(ended.stdout))

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Process]:
        """Keep a command running for the block; then SIGTERM must end it with exit 0."""
        child = self.started(*arguments)
        try:
            yield child
        finally:
            code = _ended(child)
        if code != 0:
            raise subprocess.CalledProcessError(code, child.args)

    def started(self, *arguments: str) -> Process:
        """Start a command that ends by itself; what it prints is not kept."""
        return subprocess.Popen(self._command(*arguments), env=_environment(), stdout=subprocess.DEVNULL)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "ingest", "-C", str(self.root / "ingest.toml"), "-q", *arguments]


def new_project(root: Path, *, function: str) -> Project:
    """Make a project whose one processor is `function` of `benchmarks.trivial`."""
    (root / "inbox").mkdir(parents=True)
    (root / "processors").mkdir()
    shutil.copy(Path(__file__).with_name("trivial.py"), root / "processors" / "trivial.py")
    (root / "ingest.toml").write_text(_CONFIG.format(function=function))
    return Project(root=root)


def wait_until(claim: Callable[[], bool], *, among: Sequence[Process], every: float = 0.02) -> None:
    """Return once `claim` holds; it is asked again after `every` seconds.

    Raises at once when one of the processes that are to bring it about has ended.
    """
    deadline = time.monotonic() + _PATIENCE
    while not claim():
        for process in among:
            if process.poll() is not None:
                raise subprocess.CalledProcessError(process.returncode, process.args)
        if time.monotonic() > deadline:
            raise TimeoutError(f"the benchmark waited {_PATIENCE:.0f} s in vain")
        time.sleep(every)


def peak_bytes(pid: int) -> int:
    """Give the largest resident size, in bytes, that a process has had since it began its program."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def children_of(pid: int) -> list[int]:
    """Give the process ids of the live children of a process."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended
        return []


def must_be(found: int, wanted: int, what: str) -> None:
    """Return only when every item was handled: a rate over part of them would be a lie."""
    if found != wanted:
        raise AssertionError(f"{what}: {found}, and not {wanted}")


def _ended(child: Process) -> int:
    """Ask a process to stop, and make it where it does not; gives its exit code."""
    child.send_signal(signal.SIGTERM)
    try:
        return child.wait(_STOPPING)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _environment() -> dict[str, str]:
    """Leave out the variable that makes every process compile its modules anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
