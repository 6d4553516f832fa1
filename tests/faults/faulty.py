"""Real faults of the file system, put under a real command: see shim.c."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.scratch import kept_folder

SOURCE = Path(__file__).parent / "shim.c"


@cache
def shim(source: Path = SOURCE) -> Path:
    """The compiled shim; the test that asks is skipped where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("faults below the C library need Linux and a C compiler")
    made = kept_folder("ingest-shim-") / "shim.so"
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        pytest.skip(f"the shim cannot be compiled here: {built.stderr[:200]}")
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Call number `at` below a directory fails; 0: none does, and calls are counted."""

    at: int = 0
    how: str = "kill"  # kill | short | the name of an errno
    calls: str = ""  # names of calls that count, comma-separated; empty: all but stat, list and lock
    is_lasting: bool = False  # every later call fails too
    below: Path | None = None  # the directory; None: the project's

    def after(self, calls: int) -> Fault:
        """The same fault, at call number `calls`."""
        return replace(self, at=calls)


@dataclass(frozen=True, slots=True)
class Faulty:
    """Where the calls of one run are counted and logged."""

    root: Path
    fault: Fault
    scratch: Path

    def env(self) -> dict[str, str]:
        """The environment in which commands meet the fault."""
        fault, how = self.fault, self.fault.how
        self.counter.write_bytes(bytes(8))
        plain = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        return plain | {
            "LD_PRELOAD": str(shim()),
            "FAULT_BELOW": str(fault.below or self.root),
            "FAULT_CALLS": fault.calls,
            "FAULT_AT": str(fault.at),
            "FAULT_HOW": how if how in ("kill", "short") else str(getattr(errno, how)),
            "FAULT_ON": str(int(fault.is_lasting)),
            "FAULT_COUNTER": str(self.counter),
            "FAULT_LOG": str(self.log),
        }

    @property
    def counter(self) -> Path:
        return self.scratch / "counter"

    @property
    def log(self) -> Path:
        return self.scratch / "calls"

    def calls(self) -> int:
        """How many calls counted so far."""
        return int(struct.unpack("=Q", self.counter.read_bytes())[0])

    def made(self) -> list[tuple[str, str]]:
        """The calls in their order, as (name, path relative to the project)."""
        lines = self.log.read_text(errors="replace").splitlines()
        split = [line.split(" ", 3) for line in lines]
        return [(name, path.removeprefix(f"{self.root}/")) for _, _, name, path in split]

    def heal(self) -> None:
        """Nothing fails any more."""
        self.counter.with_name("counter.off").touch()

    def relapse_after(self, calls: int) -> None:
        """What had healed fails at that call from now."""
        with self.counter.open("r+b") as file:  # in place: the commands have it in their memory
            file.write(struct.pack("=Q", self.fault.at - calls))
        self.relapse()

    def relapse(self) -> None:
        """What had healed fails."""
        self.counter.with_name("counter.off").unlink()

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """The command runs and meets the fault."""
        return subprocess.Popen(
            [sys.executable, "-m", "ingest", *args],
            cwd=self.root,
            env=self.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *args: str) -> subprocess.CompletedProcess[bytes]:
        """The command has met the fault and has ended, in time."""
        process = self.start(*args)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            _, err = process.communicate()
            pytest.fail(f"{args} hangs at {self.fault}: {err[-2000:]!r}")
        return subprocess.CompletedProcess(args, process.returncode, out, err)


@contextmanager
def faulty(root: Path, fault: Fault) -> Iterator[Faulty]:
    """Commands in `root` meet `fault`."""
    with tempfile.TemporaryDirectory(prefix="ingest-fault-") as scratch:
        yield Faulty(root, fault, Path(scratch))
