"""A terminal of 80 columns in a directory of its own, in which the commands of a page are typed."""

from __future__ import annotations

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path
from select import select
from socket import gethostname
from time import monotonic

from tests.docs.exchange import exchange
from tests.patience import PATIENCE

_STATUS = "\x1e"  # in no output: what a command said ends with it and the status
_SHOWN_HOME = "/srv/ingest"  # what pages call the directory they are tried in
_SHOWN_HOST = "box"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command wrote to the terminal, and its exit code."""

    command: str
    text: str
    status: int


class NoAnswer(AssertionError):
    """A command did not end."""


@dataclass(slots=True, kw_only=True)
class Terminal:
    """Where a page is tried: a directory and what runs in it."""

    home: Path
    cwd: Path
    running: list[Running] = field(default_factory=list)

    def typed(self, commands: Sequence[str]) -> list[Said]:
        """The commands were run one after the other in one shell; it stays where they went."""
        script = "".join(
            f'{command}\n__status=$?; printf "\\036%s\\036" "$__status"; (exit "$__status")\n'
            for command in commands
        )
        place = self.home.with_suffix(".cwd")
        process, screen = _started(f"set -o pipefail\n{script}pwd > {place}\n", self.cwd)
        pieces = _read(process, screen).split(_STATUS)
        if len(pieces) < 2 * len(commands):
            raise NoAnswer(f"the shell ended in: {pieces[-1]}")
        self.cwd = Path(place.read_text().strip())
        return [
            Said(command=command, text=_as_shown(text, self.home), status=int(status))
            for command, text, status in zip(commands, pieces[::2], pieces[1::2], strict=False)
        ]

    def start(self, command: str) -> Running:
        """The command runs until the end of the page, as in a terminal of its own."""
        process, screen = _started(f"exec {command}", self.cwd)
        self.running.append(Running(process=process, screen=screen, home=self.home))
        return self.running[-1]

    def close(self) -> list[Said]:
        """What was started has been interrupted, as by Ctrl-C, and has ended."""
        ended, self.running = self.running, []
        return [running.interrupted() for running in ended]


@dataclass(slots=True, kw_only=True)
class Running:
    """A command that has not ended yet."""

    process: subprocess.Popen[bytes]
    screen: int
    home: Path
    text: str = ""

    def said(self, *, within: float) -> str:
        """All it has said so far; waits `within` seconds for more."""
        if _has_news(self.screen, within):
            with suppress(OSError):  # it has ended
                self.text += os.read(self.screen, 65536).decode()
        return _as_shown(self.text, self.home)

    def interrupted(self) -> Said:
        os.killpg(self.process.pid, signal.SIGINT)
        text = self.text + _read(self.process, self.screen)
        return Said(command=str(self.process.args), text=text, status=self.process.wait())


def _as_shown(text: str, home: Path) -> str:
    """What a page may show of it: the machine and the directory are called as on all pages."""
    return re.sub(rf"\b{re.escape(gethostname())}\b", _SHOWN_HOST, text).replace(str(home), _SHOWN_HOME)


def _started(script: str, cwd: Path) -> tuple[subprocess.Popen[bytes], int]:
    screen, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    settings = termios.tcgetattr(terminal)
    settings[1] &= ~termios.OPOST  # a line ends with a newline, not with a carriage return as well
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=cwd,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    return process, screen


def _environment() -> dict[str, str]:
    """That of a newcomer: nothing set for ingest, plain text; `ingest` is the one under test."""
    where = os.environ.get("INGEST_PAGES_BIN") or _own_place()
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("INGEST_", "PYTEST_"))}
    for name in ("COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE"):
        plain.pop(name, None)
    return {**plain, "PATH": f"{where}:{os.environ['PATH']}", "TERM": "dumb", "NO_COLOR": "1"}


def _own_place() -> str:
    """Where the `ingest` and the `python` of these tests are, and first of all the one that is forked."""
    own = str(Path(sys.executable).parent)
    return f"{exchange().folder}:{own}" if hasattr(os, "pidfd_open") else own


def _has_news(screen: int, within: float) -> bool:
    """True when there is something to read; what is asked of the exchange meanwhile is done."""
    until = monotonic() + within
    while ready := select([screen, *exchange().handles()], [], [], max(0.0, until - monotonic()))[0]:
        exchange().serve(ready)
        if screen in ready:
            return True
    return False


def _read(process: subprocess.Popen[bytes], screen: int) -> str:
    """All that comes until everybody who holds the terminal has ended."""
    data, until = b"", monotonic() + PATIENCE
    try:
        with suppress(OSError):  # EIO: nobody holds it any more
            while _has_news(screen, until - monotonic()):
                data += os.read(screen, 65536)
            raise NoAnswer(f"did not end within {PATIENCE:g} s, and said: {data.decode(errors='replace')}")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        os.close(screen)
        process.wait()
    return data.decode(errors="replace")
