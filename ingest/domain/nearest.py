"""The name that was probably meant, where one was written that is none."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_ENOUGH = 0.7  # alike; less would suggest what nobody meant


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like `name`, if any is like it."""
    close = get_close_matches(name, [each for each in known if each], n=1, cutoff=_ENOUGH)
    return close[0] if close else None


def closest(name: str, known: Iterable[str]) -> str:
    """The one of `known` that is most like `name`, however little; there must be one."""
    return get_close_matches(name, list(known), n=1, cutoff=0)[0]


def suggestion(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """A hint: which of `known` was probably meant, before `otherwise`."""
    close = nearest(name, known)
    return otherwise if close is None else f"did you mean {close!r}? {otherwise}"
