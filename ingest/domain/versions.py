"""Major versions of event types: the `vN` in which a type ends.

Whoever accepts one version of a type is told of every other one too: it is
brought to a version that is read, or is dead with a message that names what is
missing, and is never passed over in silence.
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
def concerns(accepts: frozenset[str], type_: str) -> bool:
    """True of a type that is among `accepts`, or is another version of one that is."""
    found = major_of(type_)
    return type_ in accepts or (found is not None and bool(majors_of(accepts, found[0])))


@lru_cache(maxsize=1024)
def majors_of(accepts: frozenset[str], name: str) -> tuple[int, ...]:
    """The versions of `name` that are among `accepts`, the first ones first."""
    found = filter(None, map(major_of, accepts))
    return tuple(sorted(major for known, major in found if known == name))


def first_of(type_: str) -> str:
    """The first version of the type: what all its versions have in common."""
    found = major_of(type_)
    return type_ if found is None else f"{found[0]}.v1"
