"""Rows in the opposite order, wherever a statement asks for none: as a server may find them some day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def read_backwards() -> Iterator[None]:
    """Whoever opens a store in a file meanwhile reads so."""

    def turn(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA reverse_unordered_selects = ON")

    event.listen(Engine, "connect", turn)
    try:
        yield
    finally:
        event.remove(Engine, "connect", turn)
