"""A service manager as a command sees it: a datagram socket, and what was said at it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE


class Listener:
    """A real socket at `address`, and every line that has arrived there."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)

    def hear(self, seconds: float = 0.0) -> list[str]:
        """The lines of the next datagram; none when nothing comes within so many seconds."""
        self._socket.settimeout(seconds)
        try:
            said = self._socket.recv(65536).decode().splitlines()
        except (TimeoutError, BlockingIOError):
            return []
        self.lines += said
        return said

    def until(self, is_so: Callable[[str], bool]) -> str:
        """The first line from now on that is so; fails when none comes for a long time."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in self.hear(0.2):
                if is_so(line):
                    return line
        raise AssertionError(f"not said; last: {self.lines[-5:]}")

    def until_said(self, wanted: str) -> None:
        """Return once this line has been said, from now on."""
        self.until(lambda line: line == wanted)

    def is_silent_for(self, seconds: float) -> bool:
        """True when no sign of life arrives for so long; what had been said before is not counted."""
        while self.hear():
            pass
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if "WATCHDOG=1" in self.hear(left):
                return False
        return True

    def close(self) -> None:
        """Nobody listens any more."""
        self._socket.close()


@contextmanager
def listening(address: Path | str) -> Iterator[Listener]:
    """A listener while the block runs."""
    listener = Listener(str(address))
    try:
        yield listener
    finally:
        listener.close()
