"""Durations, sizes and shares, as people write them: one number and one unit.

Nothing is guessed: a number without a unit, a space, a second unit or an
exponent is refused, since `quiet = 2` could mean anything.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

_QUANTITY = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,6})?)([A-Za-z]+|%)")
_MICROSECONDS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_LONGEST = timedelta(days=3_650)
_LARGEST = 2**63 - 1


def parse_duration(text: object) -> timedelta:
    """`"500ms"`, `"2.5s"`, `"5m"`, `"1h"`, `"7d"`; to the microsecond."""
    number, unit = _split(text)
    if unit not in _MICROSECONDS:
        raise ValueError(f"its unit must be one of {', '.join(_MICROSECONDS)}")
    microseconds = number * _MICROSECONDS[unit]
    if microseconds > _LONGEST // timedelta(microseconds=1):
        raise ValueError("it is longer than ten years")
    return timedelta(microseconds=_whole(microseconds))


def write_duration(duration: timedelta) -> str:
    """What `parse_duration` reads as `duration`, in the largest unit that leaves no fraction."""
    microseconds = duration // timedelta(microseconds=1)
    if not microseconds:
        return "0s"
    for unit in ("d", "h", "m", "s", "ms"):
        if not microseconds % _MICROSECONDS[unit]:
            return f"{microseconds // _MICROSECONDS[unit]}{unit}"
    return f"{_plain(Decimal(microseconds) / _MICROSECONDS['s'])}s"


def parse_size(text: object) -> int:
    """`"0B"`, `"64KiB"`, `"1.5MiB"`, `"2GiB"`, `"10MB"`; in whole bytes."""
    number, unit = _split(text)
    if unit not in _BYTES:
        raise ValueError(f"its unit must be one of {', '.join(_BYTES)}")
    size = number * _BYTES[unit]
    if size > _LARGEST:
        raise ValueError("it is larger than any file")
    return _whole(size)


def write_size(size: int) -> str:
    """What `parse_size` reads as `size`, in the largest binary unit that leaves no fraction."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and not size % _BYTES[unit]:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def parse_percentage(text: object) -> Decimal:
    """`"0%"`, `"2.5%"`, `"100%"`; as a share from 0 to 1."""
    number, unit = _split(text)
    if unit != "%":
        raise ValueError("it must end in %")
    if number > 100:  # noqa: PLR2004  a hundred of a hundred is the whole
        raise ValueError("it is more than the whole")
    return number / 100


def write_percentage(share: Decimal) -> str:
    """The text that `parse_percentage` reads as `share`."""
    return f"{_plain(share * 100)}%"


def _split(text: object) -> tuple[Decimal, str]:
    found = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("it must be one number and its unit, as text")
    return Decimal(found[1]), found[2]


def _whole(number: Decimal) -> int:
    if number != int(number):
        raise ValueError("it is finer than can be kept")
    return int(number)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
