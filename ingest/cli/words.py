"""Figures in the words of people."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_KILO = 1000
_TEN = 10


def age(seconds: float) -> str:
    """A span of time in its two largest units at most: `0.4s`, `12s`, `3m20s`, `5h1m`, `12d3h`."""
    if seconds < _TEN:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR}h"


def size(count: float) -> str:
    """A number of bytes: `12 B`, `4.1 kB`, `2.3 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < _KILO:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KILO
    return f"{count:.1f} TB"


def so_many(count: int, thing: str, things: str = "") -> str:
    """`1 event`, `2 events`; `things` is the plural where it does not end in s."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"
