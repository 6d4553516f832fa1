"""What this process tells whoever started it: that it is ready, how it is doing, that it stops.

Nobody need listen, and a listener that has gone changes nothing here: a notice
that did not arrive is given again when the loop comes round. That the loop
turns is said by the loop itself and by no thread beside it, so that one that
hangs falls silent and is ended.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from ingest.domain.showing import show

SOCKET, WATCHDOG, WATCHED = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_START_BEAT = 10.0  # seconds between two words that the start goes on
_START_PATIENCE = 180.0  # seconds that each of them asks for: more than a write may wait for the store
_AGAIN = 1.0  # seconds before a notice that did not arrive is given again
_STATUS_KEPT = 200  # characters
_MICROSECOND = 1e-6


class Service:
    """This process as whoever started it knows it."""

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        self.watchdog = watchdog  # seconds after which silence is taken for death; None where nobody minds
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address.startswith(("@", "/")):
            with suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)  # noqa: FBT003  # it has no name
        self._owed: dict[str, str] = {}  # notices that have not arrived
        self.is_ready = self._is_stopping = False
        self._status = self._trouble = self._shown = ""
        self._turn_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def is_heard(self) -> bool:
        """True where somebody said that they listen."""
        return self._socket is not None

    def turn(self) -> None:
        """The loop has come round: whoever watches it knows that it does not hang, or still starts."""
        if time.monotonic() < self._turn_at or not self.is_heard:
            return
        if self.watchdog is not None:
            self._owed["WATCHDOG"] = "1"
        if not self.is_ready:
            self._owed["EXTEND_TIMEOUT_USEC"] = str(round(_START_PATIENCE / _MICROSECOND))
        self._give()

    def next_at(self) -> float:
        """The monotonic moment at which the loop must have come round again; infinity where nobody minds."""
        return self._turn_at if self.is_heard else float("inf")

    def ready(self) -> None:
        """What this process is for has begun."""
        if not self.is_ready:
            self.is_ready = True
            self._owe(READY="1")

    def stopping(self) -> None:
        """This process is about to end."""
        if not self._is_stopping:
            self._is_stopping = True
            self._owe(STOPPING="1")

    def say(self, status: str) -> None:
        """Whoever asks how it is doing is shown this line, while nothing is wrong."""
        self._status = status
        self._show()

    def complain(self, trouble: str) -> None:
        """Whoever asks is shown what is wrong, until `trouble` is empty."""
        self._trouble = trouble
        self._show()

    def _show(self) -> None:
        line = show(self._trouble or self._status)[:_STATUS_KEPT]
        if line != self._shown:
            self._shown = line
            self._owe(STATUS=line)

    def _owe(self, **notices: str) -> None:
        if self.is_heard:
            self._owed |= notices
            self._give()

    def _give(self) -> None:
        """All that is owed has been said, or is said again in a while."""
        periods = [] if self.watchdog is None else [self.watchdog / 2]
        periods += [] if self.is_ready else [_START_BEAT]
        if self._arrives():
            self._owed.clear()
        else:
            periods.append(_AGAIN)
        self._turn_at = time.monotonic() + min(periods, default=float("inf"))

    def _arrives(self) -> bool:
        said = "".join(f"{name}={value}\n" for name, value in self._owed.items())
        try:
            self._socket.sendto(said.encode(), self._address)  # type: ignore[union-attr]  # it is heard
        except (OSError, ValueError):
            return False
        return True


SILENT = Service()  # nobody listens


def service(environment: MutableMapping[str, str], pid: int | None = None) -> Service:
    """This process as the environment says that somebody listens.

    What says so is taken out of the environment: a process that is started
    later, a processor's above all, cannot speak for this one.
    """
    given = {name: environment.pop(name, "") for name in (SOCKET, WATCHDOG, WATCHED)}
    is_meant = given[WATCHED] in ("", str(os.getpid() if pid is None else pid))
    return Service(given[SOCKET], _seconds(given[WATCHDOG]) if is_meant else None)


def to_environment(address: str, watchdog: float | None) -> Mapping[str, str]:
    """What tells a process that somebody listens at `address`, and how long it may be silent."""
    patience = {} if watchdog is None else {WATCHDOG: str(round(watchdog / _MICROSECOND))}
    return {SOCKET: address, **patience}


def _seconds(said: str) -> float | None:
    """The microseconds that were said, in seconds; None where none were."""
    return int(said) * _MICROSECOND if said.isascii() and said.isdigit() and int(said) else None
