"""How the `ingest` that a page types is forked, like the other commands of tests, instead of started.

A folder that goes in front of PATH holds an `ingest` that asks here (`tests/docs/stand_in.py`). Whoever waits
for what is typed waits for `handles` as well, and calls `serve` when there is something to read: no thread
does, for tests fork. A command whose stand-in was killed is killed.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import sys
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.launcher import LONGEST
from tests.launching import Command
from tests.scratch import kept_folder

_STAND_IN = Path(__file__).with_name("stand_in.py")
_SCRIPT = """\
#!/bin/sh
exec '{python}' -IS '{stand_in}' '{address}' "$@"
"""


class Exchange:
    """The commands that were typed and have not ended yet; `folder` goes in front of PATH."""

    def __init__(self) -> None:
        self.folder = kept_folder("ingest-", "/tmp")  # a socket's address is short
        address = self.folder / "exchange"
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listening.bind(str(address))
        self._listening.listen()
        self._waiting: list[socket.socket] = []  # who has not said yet what is wanted
        self._running: dict[socket.socket, tuple[Command, int]] = {}  # with a handle of the process
        script = self.folder / "ingest"
        script.write_text(_SCRIPT.format(python=sys.executable, stand_in=_STAND_IN, address=address))
        script.chmod(0o700)
        atexit.register(self.close, os.getpid())

    def close(self, owner: int) -> None:
        """Nothing that was typed still runs."""
        if os.getpid() == owner:
            for asking in list(self._running):
                self._end(asking)
            self._listening.close()

    def handles(self) -> list[int]:
        """What becomes readable when there is something to do."""
        ends = [end for _, end in self._running.values()]
        return [each.fileno() for each in (self._listening, *self._waiting, *self._running)] + ends

    def serve(self, ready: Collection[int]) -> None:
        """What was asked for is started; whoever waits for a command that has ended knows how."""
        for asking, (_, end) in list(self._running.items()):
            if not {asking.fileno(), end}.isdisjoint(ready):
                self._end(asking)
        for asking in [each for each in self._waiting if each.fileno() in ready]:
            self._waiting.remove(asking)
            self._start(asking)
        if self._listening.fileno() in ready:
            self._waiting.append(self._listening.accept()[0])

    def _start(self, asking: socket.socket) -> None:
        said, handles, _, _ = socket.recv_fds(asking, LONGEST, 3)
        if not said:  # it was killed meanwhile
            asking.close()
            return
        asked = json.loads(said)
        streams = dict(zip(("stdin", "stdout", "stderr"), handles, strict=True))
        mask = os.umask(asked["umask"])
        try:
            command = Command(asked["args"], cwd=asked["cwd"], env=asked["env"], **streams)
        finally:
            os.umask(mask)
            for handle in handles:
                os.close(handle)
        self._running[asking] = command, os.pidfd_open(command.pid)
        asking.send(str(command.pid).encode())

    def _end(self, asking: socket.socket) -> None:
        """The command has ended, or is killed where nobody stands in for it any more."""
        command, end = self._running.pop(asking)
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(end, signal.SIGKILL)
        os.close(end)
        code = command.wait()
        with asking, suppress(BrokenPipeError):
            asking.send(str(code).encode())


def exchange() -> Exchange:
    """The exchange of this process."""
    return _exchange_of(os.getpid())


@cache
def _exchange_of(_pid: int) -> Exchange:
    return Exchange()
