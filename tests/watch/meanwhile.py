"""What a partner does in the very moment in which we are about to do something.

The interpreter itself tells of that moment. Audit hooks cannot be taken away
again, so there is one for all tests, which mostly does nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_waiting: list[tuple[str, Callable[[], object]]] = []


def _heard(event: str, _args: tuple[Any, ...]) -> None:
    if _waiting and _waiting[0][0] == event:
        _waiting.pop(0)[1]()


sys.addaudithook(_heard)


@contextmanager
def just_before(event: str, act: Callable[[], object]) -> Iterator[None]:
    """`act` happens once, just before the first `event` (`os.rename`, `os.remove`, …) of the block."""
    _waiting.append((event, act))
    try:
        yield
        assert not _waiting, f"no {event} came"
    finally:
        _waiting.clear()
