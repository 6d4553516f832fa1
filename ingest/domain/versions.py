"""Major versions of event types: the `vN` in which a type ends.

Whoever accepts one version of a type is told of every later one too: what it
cannot read is dead with a message, and never passed over in silence.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TYPE = re.compile(r"(.+)\.v([0-9]{1,9})", re.ASCII)


def major_of(type_: str) -> tuple[str, int] | None:
    """The name of the type, and which major version of it this is; None for a type without one."""
    found = _TYPE.fullmatch(type_)
    return None if found is None else (found[1], int(found[2]))


@lru_cache(maxsize=1024)
def is_later(type_: str, accepts: frozenset[str]) -> bool:
    """True of a type that is not among `accepts`, but is a later version of one that is."""
    found = major_of(type_)
    if found is None or type_ in accepts:
        return False
    name, major = found
    return any(
        known is not None and known[0] == name and known[1] < major for known in map(major_of, accepts)
    )
