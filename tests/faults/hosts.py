"""Hosts in tests: each has a name, a clock and a directory of its own, and shares an inbox and an archive."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline
from tests.faults.clocks import WallClock
from tests.patience import PATIENCE


def need_names() -> None:
    """Skip where a process cannot be given a host name of its own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare, to give a process a host name of its own")


@dataclass(slots=True)
class Host:
    """A host whose clock is ahead by `ahead`; it vanishes as one does whose power fails.

    Others may be `called` the same: containers of one machine, clones of another.
    """

    name: str
    shared: Pipeline
    ahead: timedelta
    called: str = ""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.shared.root.with_name(self.name)

    def prepare(self) -> None:
        """Its ingest.toml names the shared places, and its own directory is beside that."""
        self.root.mkdir()
        config = (self.shared.root / "ingest.toml").read_text("utf-8")
        config = config.replace('path = "inbox"', f'path = "{self.shared.inbox}"')
        config = config.replace("[store]\n", f'[store]\narchive = "{self.shared.archive}"\n')
        (self.root / "ingest.toml").write_text(config, "utf-8")

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """The command runs on this host."""
        clock = WallClock(self.root / "clock")
        clock.step(self.ahead)
        called = self.called or self.name
        line = 'hostname "$0" && exec "$@"'
        process = subprocess.Popen(
            ["unshare", "--uts", "sh", "-c", line, called, sys.executable, "-m", "ingest", *args],
            cwd=self.root,
            env=os.environ | clock.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def run(self, *args: str) -> subprocess.CompletedProcess[bytes]:
        """The command has ended."""
        process = self.start(*args)
        out, err = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def vanish(self) -> None:
        """All that ran on it is gone at once, and so is what it kept on its disk."""
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        shutil.rmtree(self.root / ".ingest", ignore_errors=True)

    def stop(self) -> list[int]:
        """What runs has ended, as it was asked to; the exit codes."""
        living = [process for process in self.running if process.poll() is None]
        for process in living:
            process.send_signal(signal.SIGTERM)
        for process in living:
            process.communicate(timeout=PATIENCE)
        return [process.returncode for process in living]
