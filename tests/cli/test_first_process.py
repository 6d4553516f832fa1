"""In a container without an init, `ingest` is process 1: signals reach it, and no orphan stays unburied."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.project import GOOD, SETTINGS, configure, spawned, until, write
from tests.notices.listener import Listener, listening

NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
INGEST = [sys.executable, "-m", "ingest"]
LEAVES_A_DAEMON = """
import os, subprocess, sys
from ingest import FileLanded, processor

@processor(accepts=FileLanded, version="1")
def leaver(event, ctx):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    os.kill(os.getppid(), 9)  # its worker: whatever it started is an orphan of process 1 now
"""


def _has_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not _has_namespaces(), reason="needs root, to make a namespace of processes")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    write(home, SETTINGS, {"good.csv": GOOD})
    return home


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path / "notify") as listener:
        yield listener


@contextmanager
def first_process(command: str, home: Path, listener: Listener) -> Iterator[int]:
    """The command as process 1 while the block runs, and ready; its pid out here."""
    env = {**os.environ, "NOTIFY_SOCKET": listener.address}
    with subprocess.Popen([*NAMESPACE, *INGEST, command], cwd=home, env=env) as unshare:
        try:
            listener.until_said("READY=1")
            yield _children(unshare.pid)[0]
        finally:
            unshare.kill()


@pytest.mark.parametrize("command", ["watch", "work", "run"])
def test_sigterm_reaches_a_first_process_which_drains_and_leaves(
    command: str, home: Path, listener: Listener
) -> None:
    with first_process(command, home, listener) as pid:
        os.kill(pid, signal.SIGTERM)
        listener.until_said("STOPPING=1")
        until(lambda: not _children(pid))

    status = spawned("status", "--json", cwd=home).json()
    assert (status["watchers"], status["workers"]) == ([], [])


def test_the_exit_code_is_that_of_the_command(tmp_path: Path) -> None:
    ended = subprocess.run([*NAMESPACE, *INGEST, "status"], cwd=tmp_path, check=False, capture_output=True)

    assert ended.returncode == 2
    assert b"there is no ingest.toml" in ended.stderr


def test_whoever_becomes_an_orphan_is_buried(home: Path, listener: Listener) -> None:
    (home / "processors").mkdir()
    (home / "processors" / "leaver.py").write_text(LEAVES_A_DAEMON)
    configure(home, SETTINGS.replace("processors.ledger:ledger", "leaver:leaver"))

    with first_process("run", home, listener) as pid:
        _has_heard(listener, "work: died and is started again")
        _has_heard(listener, "work: working, processors: 2, processes: 1")

        until(lambda: len(_children(pid)) == 1)


def test_ctrl_c_at_the_terminal_of_a_container_is_heard_once(home: Path, listener: Listener) -> None:
    ours, its = pty.openpty()
    argv = ["setsid", "--ctty", "--wait", *NAMESPACE, *INGEST, "run"]
    env = {**os.environ, "NOTIFY_SOCKET": listener.address}
    with subprocess.Popen(argv, cwd=home, env=env, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        listener.until_said("READY=1")
        first, command, *_ = [pid for pid in _line_of(process.pid) if _runs_python(pid)]
        at_the_terminal = os.tcgetpgrp(ours)
        os.write(ours, b"\x03")
        until(lambda: _drained(ours, process))
    os.close(ours)

    assert process.returncode == 0
    assert at_the_terminal == command  # alone: passed on by the first process, it would be heard twice
    assert at_the_terminal != first


def _has_heard(listener: Listener, end: str) -> None:
    """A status that ends so was said, perhaps before it was ready, else it is waited for."""
    if not any(line.endswith(end) for line in listener.lines):
        listener.until(lambda line: line.endswith(end))


def _line_of(pid: int) -> Iterator[int]:
    """The process, its first child, the first child of that, and so on."""
    yield pid
    for child in _children(pid)[:1]:
        yield from _line_of(child)


def _runs_python(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().startswith("python")


def _drained(terminal: int, process: subprocess.Popen[bytes]) -> bool:
    try:
        os.read(terminal, 65536)
    except OSError:  # nobody is left at the other end
        process.wait()
    return process.poll() is not None


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
