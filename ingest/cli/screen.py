"""A terminal that is drawn in place: only lines that differ are written, and it is left as it was found."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

from ingest.cli import output
from ingest.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"  # the alternate screen, no cursor, empty
_LEAVE = "\x1b[?25h\x1b[?1049l"
_TO_LINE, _REST_OF_LINE, _ALL_BELOW = "\x1b[{};1H", "\x1b[K", "\x1b[J"


class Screen:
    """The alternate screen of the terminal; what stands on it is known, and not written again."""

    def __init__(self) -> None:
        self._size: tuple[int, ...] = ()
        self._lines: list[str] = []

    def is_stale(self) -> bool:
        """True when the terminal is not as large as it was, or shows something else."""
        return self._size != tuple(output.console().size)

    def forget(self) -> None:
        """What stands on the terminal is not known any more."""
        self._size = ()

    def draw(self, things: Sequence[RenderableType]) -> None:
        """`things` stand on the screen, one below the other, as far as there is room."""
        console = output.console()
        if self._size != tuple(console.size):
            self._size, self._lines = tuple(console.size), []
            output.write(_TO_LINE.format(1) + _ALL_BELOW)
        with console.capture() as drawn:
            for thing in output.apart(things):
                console.print(thing)
        lines = _cut(drawn.get().rstrip("\n").split("\n"), *console.size)
        output.write("".join(_changes(self._lines, lines)))
        output.flush()
        self._lines = lines


@contextmanager
def opened() -> Iterator[Screen]:
    """A screen until the block ends; the terminal is as it was then. Raises `UsageError` without one."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        raise UsageError(
            "--watch draws on a terminal, and this is none",
            hint="with --json it prints a line at each change; or run plain `ingest status` in a loop",
        )
    screen = Screen()

    def suspend(_signum: int, _frame: FrameType | None) -> None:
        restore()
        os.kill(os.getpid(), signal.SIGSTOP)
        os.write(1, _ENTER.encode())  # somebody has let us go on
        screen.forget()

    before = signal.signal(signal.SIGTSTP, suspend)
    try:
        output.write(_ENTER)
        yield screen
    finally:
        signal.signal(signal.SIGTSTP, before)
        restore()


def restore() -> None:
    """The terminal is as it was before a screen was opened. Safe in a signal handler, and more than once."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError):
        os.write(1, _LEAVE.encode())


def _cut(lines: list[str], width: int, height: int) -> list[str]:
    if len(lines) <= height:
        return lines
    said = f"… {len(lines) - height + 1} more lines: make the window taller"
    return [*lines[: height - 1], said[:width]]


def _changes(before: Sequence[str], lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number >= len(before) or before[number] != line:
            yield _TO_LINE.format(number + 1) + line + _REST_OF_LINE
    if len(before) > len(lines):
        yield _TO_LINE.format(len(lines) + 1) + _ALL_BELOW
