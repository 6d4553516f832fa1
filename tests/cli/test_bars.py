"""Progress bars: on a terminal only, one line, gone at the end, and nothing of them in the data."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.patience import PATIENCE

PROGRAM = """
import logging, sys
from ingest.cli import bars, logs
from ingest.cli.given import Given
bars.AFTER = 0.05
logs.set_up(Given(quieter="-q" in sys.argv))
with bars.progress("counting", total=2000, things="files") as advance:
    advance(1234)
    print("data", flush=True)
    sys.stdin.readline()
    logging.getLogger("ingest.test").warning("said meanwhile")
print("more data", flush=True)
"""


class Counting:
    """A process that counts until it is told to end."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self._process, self._terminal = process, terminal

    def seen_with(self, part: bytes) -> bytes:
        """What is on the terminal, once `part` is among it."""
        seen = b""
        while part not in seen:
            seen += os.read(self._terminal, 4096)
        return seen

    def ended(self) -> tuple[bytes, bytes]:
        """What it wrote to stdout, and what it drew since, when told to end."""
        out, _ = self._process.communicate(b"\n", timeout=PATIENCE)
        drawn = b""
        os.set_blocking(self._terminal, False)
        try:
            while part := os.read(self._terminal, 4096):
                drawn += part
        except OSError:  # nothing is left, and nobody writes any more
            pass
        return out, drawn


@contextmanager
def counting(*argv: str) -> Iterator[Counting]:
    """The program with its stderr on a terminal and its stdout in a pipe."""
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-c", PROGRAM, *argv]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs, env=env
    ) as process:
        try:
            yield Counting(process, ours)
        finally:
            process.kill()
            os.close(theirs)
            os.close(ours)


def test_a_bar_is_one_line_that_is_gone_at_the_end_and_a_log_record_stands_above_it() -> None:
    with counting() as process:
        seen = process.seen_with(b"1,234 of 2,000 files")
        out, drawn = process.ended()

    assert b"counting" in seen
    assert seen.count(b"\n") == 0
    assert out == b"data\nmore data\n"
    assert b"said meanwhile" in drawn
    assert drawn.endswith((b"\x1b[2K", b"\x1b[?25h"))
    assert b"\x1b[?25h" in drawn  # the cursor is back


def test_whoever_asked_for_warnings_only_sees_no_bar() -> None:
    with counting("-q") as process:
        out, drawn = process.ended()

    assert out == b"data\nmore data\n"
    assert b"counting" not in drawn
    assert b"said meanwhile" in drawn


@pytest.mark.parametrize("env", [{}, {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}])
def test_nothing_of_a_bar_reaches_a_pipe(env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=b"\n", capture_output=True, env=os.environ | env, check=True
    )

    assert done.stdout == b"data\nmore data\n"
    assert b"counting" not in done.stderr
    assert done.stderr.count(b"\n") == 1  # the record
