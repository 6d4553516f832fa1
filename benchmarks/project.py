"""A throwaway project on which the product's own commands are run, as an operator would run them."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import BELOW, Cost, Unavailable, stopwatch

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
_PATIENCE = 600.0  # seconds, after which a wait is given up


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
            ended = subprocess.run(command, env=_environment(), check=True, stdout=subprocess.PIPE)
            cost = taken()
        return Ran(cost=cost, document=json.loads(ended.stdout))

    @contextmanager
    def running(self, *arguments: str) -> Iterator[None]:
        """Keep a command running for the block; then SIGTERM must end it with exit 0."""
        child = subprocess.Popen(self._command(*arguments), env=_environment())
        try:
            yield
        finally:
            child.send_signal(signal.SIGTERM)
            code = child.wait()
        if code != 0:
            raise subprocess.CalledProcessError(code, arguments)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "ingest", "-C", str(self.root / "ingest.toml"), "-q", *arguments]


def new_project(root: Path, *, function: str) -> Project:
    """Make a project whose one processor is `function` of `benchmarks.trivial`.

    Raises `Unavailable` where the product is not installed.
    """
    if importlib.util.find_spec("ingest") is None or importlib.util.find_spec("ingest.cli") is None:
        raise Unavailable("ingest is not installed in this environment: make .venv, then make bench")
    (root / "inbox").mkdir(parents=True)
    (root / "processors").mkdir()
    shutil.copy(Path(__file__).with_name("trivial.py"), root / "processors" / "trivial.py")
    (root / "ingest.toml").write_text(_CONFIG.format(function=function))
    return Project(root=root)


def wait_until(claim: Callable[[], bool]) -> None:
    """Return once `claim` holds; it is asked 50 times a second."""
    deadline = time.monotonic() + _PATIENCE
    while not claim():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the benchmark waited {_PATIENCE:.0f} s in vain")
        time.sleep(0.02)


def must_be(found: int, wanted: int, what: str) -> None:
    """Return only when every item was handled: a rate over part of them would be a lie."""
    if found != wanted:
        raise AssertionError(f"{what}: {found}, and not {wanted}")


def _environment() -> dict[str, str]:
    """Leave out the variable that makes every process compile its modules anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
