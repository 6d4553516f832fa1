"""A real terminal, on which a command draws and asks."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.launching import Command
from tests.patience import PATIENCE


@dataclass(slots=True)
class Terminal:
    """A terminal and the command that runs on it."""

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
        text = new.decode(errors="backslashreplace")
        self.written += text
        return text

    def shows(self, words: str) -> bool:
        self.read()
        return words in self.written

    def type(self, keys: bytes) -> None:
        """As if they were pressed."""
        os.write(self.handle, keys)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def end(self, *signals: int) -> int:
        """Send the signals; the exit code."""
        for each in signals:
            self.process.send_signal(each)
        code = self.process.wait(PATIENCE)
        self.read()
        return code


@contextmanager
def on_a_terminal(*argv: str, cwd: Path, size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    handle, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    env["TERM"] = "xterm"
    with Command(argv, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        terminal = Terminal(process, handle)
        terminal.resize(*size)
        os.close(theirs)
        try:
            yield terminal
        finally:
            process.kill()
    os.close(handle)
