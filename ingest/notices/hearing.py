"""What the processes that this one starts say of themselves, each known by its pid.

The kernel says who sent a datagram, so that none of them, and nobody else on
the machine, can speak for another.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ingest.notices.giving import to_environment

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid; unix(7)
_LONGEST = 4096  # bytes of one datagram
_AT_ONCE = 64  # datagrams between two looks of the loop


@dataclass(frozen=True, slots=True)
class Heard:
    """What one process said at once, by name."""

    pid: int
    notices: Mapping[str, str]


class Ear:
    """A socket without a place on any disk, at which those who are told of it say how they are doing."""

    def __init__(self, watchdog: float | None) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # noqa: FBT003  # it has no name
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("")  # the kernel chooses an abstract name
        name: bytes = self._socket.getsockname()
        self.environment = to_environment(f"@{name[1:].decode('ascii')}", watchdog)

    def hear(self) -> Iterator[Heard]:
        """What was said since the last call."""
        for _ in range(_AT_ONCE):
            try:
                data, credentials, _, _ = self._socket.recvmsg(_LONGEST, socket.CMSG_SPACE(_CREDENTIALS.size))
            except OSError:
                return
            lines = data.decode("utf-8", "replace").splitlines()
            notices = {name: value for name, _, value in (line.partition("=") for line in lines)}
            for level, kind, payload in credentials:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    yield Heard(_CREDENTIALS.unpack(payload)[0], notices)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
