"""The address space of this process: how much it has, and where further memory is refused."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path


def limit(bytes_: int) -> None:
    """Further address space is refused above `bytes_`: whoever asks for it sees a MemoryError."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = hard if bytes_ == resource.RLIM_INFINITY else bytes_
    resource.setrlimit(
        resource.RLIMIT_AS, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def lift() -> None:
    """Nothing is refused any more that the system does not refuse."""
    limit(resource.RLIM_INFINITY)


def taken() -> int:
    """Bytes of address space this process has now; 0 where there is no /proc."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
    return 0
