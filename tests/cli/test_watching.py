"""`status --watch`: drawn in place and calmly on a terminal, a line at each change for machines."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingest.cli import statuswatch
from tests.cli.project import Ingest, error_of, running, until

ENTERED, LEFT = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"


@dataclass(slots=True)
class Terminal:
    """A terminal and the command that draws on it."""

    process: subprocess.Popen[bytes]
    handle: int
    written: str = field(default="", init=False)

    def read(self, seconds: float = 0.05) -> str:
        """What was written since the last look."""
        new = b""
        while select.select([self.handle], [], [], seconds)[0]:
            try:
                part = os.read(self.handle, 65536)
            except OSError:  # the other side is gone
                break
            if not part:
                break
            new += part
        self.written += new.decode()
        return new.decode()

    def shows(self, words: str) -> bool:
        self.read()
        return words in self.written

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def end(self, *signals: int) -> int:
        """Send the signals; the exit code."""
        for each in signals:
            self.process.send_signal(each)
        code = self.process.wait(30)
        self.read()
        return code


@contextmanager
def on_a_terminal(*argv: str, cwd: Path, size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    handle, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    program = [sys.executable, "-m", "ingest", *argv]
    with subprocess.Popen(
        program, cwd=cwd, env=env | {"TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        terminal = Terminal(process, handle)
        terminal.resize(*size)
        os.close(theirs)
        try:
            yield terminal
        finally:
            process.kill()
    os.close(handle)


def test_it_is_drawn_in_place_again_when_something_changes_and_the_terminal_is_left_as_it_was(
    worked: Path, ingest: Ingest
) -> None:
    with on_a_terminal("status", "--watch", cwd=worked) as terminal:
        until(lambda: terminal.shows("payments has 1 dead"))
        assert ingest("dead", "discard", "--yes", "--reason", "known").code == 0
        until(lambda: terminal.shows("all is well"))

        assert terminal.end(signal.SIGINT) == 0

    assert terminal.written.startswith(ENTERED)
    assert terminal.written.endswith(LEFT)
    assert "\n" not in terminal.written.removeprefix(ENTERED), "it scrolled"
    assert terminal.written.count("\x1b[2J") == 1, "it was cleared again: that flickers"


def test_a_second_signal_leaves_the_terminal_as_it_was_too(day: Path) -> None:
    with on_a_terminal("status", "--watch", cwd=day) as terminal:
        until(lambda: terminal.shows(ENTERED))

        code = terminal.end(signal.SIGINT, signal.SIGINT)

    assert code in (0, 130)
    assert terminal.written.endswith(LEFT)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 50), (40, 8), (20, 5), (1, 1)])
def test_nothing_that_is_drawn_is_larger_than_the_terminal(day: Path, columns: int, lines: int) -> None:
    with on_a_terminal("status", "--watch", cwd=day, size=(columns, lines)) as terminal:
        until(lambda: terminal.shows(f"\x1b[{min(lines, 5)};1H"))
        assert terminal.end(signal.SIGTERM) == 0

    placed = [int(part.split(";1H")[0]) for part in terminal.written.split("\x1b[") if ";1H" in part]
    assert max(placed) <= lines


def test_while_it_is_suspended_the_terminal_is_as_it_was_and_then_it_goes_on(day: Path) -> None:
    with on_a_terminal("status", "--watch", cwd=day) as terminal:
        until(lambda: terminal.shows("has 1 dead"))
        terminal.process.send_signal(signal.SIGTSTP)
        until(lambda: terminal.shows(LEFT))
        terminal.written = ""
        terminal.process.send_signal(signal.SIGCONT)

        until(lambda: terminal.shows("has 1 dead"))
        assert terminal.written.startswith(ENTERED)
        assert terminal.end(signal.SIGTERM) == 0


def test_it_is_drawn_anew_when_the_window_is_another(day: Path) -> None:
    with on_a_terminal("status", "--watch", cwd=day, size=(80, 6)) as terminal:
        until(lambda: terminal.shows("make the window taller"))
        terminal.resize(100, 60)

        until(lambda: terminal.shows("\x1b[15;1H"))


def test_without_a_terminal_it_is_refused_and_says_what_to_do(day: Path, ingest: Ingest) -> None:
    said = ingest("status", "--watch")

    assert said.code == 2
    assert said.out == ""
    assert "--json" in said.err


def test_checking_and_watching_exclude_each_other(day: Path, ingest: Ingest) -> None:
    said = ingest("status", "--watch", "--check", "--json")

    assert said.code == error_of(said)["exit"] == 2


def test_machines_hear_a_line_at_each_change_and_none_while_nothing_does(
    worked: Path, ingest: Ingest
) -> None:
    with running("status", "--watch", "--json", cwd=worked) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert ingest("dead", "discard", "--yes", "--reason", "known").code == 0
        second = json.loads(process.stdout.readline())
        process.terminate()
        rest = process.stdout.read()

    assert ([p["dead"] for p in first["processors"]], first["problems"]) == ([0, 1], ["payments has 1 dead"])
    assert ([p["dead"] for p in second["processors"]], second["problems"], rest) == ([0, 0], [], "")
    assert process.returncode == 0


def test_while_nothing_happens_it_costs_next_to_nothing(day: Path) -> None:
    with running("status", "--watch", "--json", cwd=day) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began, before = time.monotonic(), cpu_seconds(process.pid)
        until(lambda: time.monotonic() - began > 2.5 * statuswatch.EVERY)
        spent = cpu_seconds(process.pid) - before

    assert spent < 0.05, "it only asks whether anything was committed"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
