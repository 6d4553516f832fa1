"""How the driver's values become ours: whole numbers are whole numbers.

PostgreSQL gives the sum of whole numbers as `numeric`. No column of ours is
one (money is text), so whatever comes as such is a whole number.
"""

from __future__ import annotations

from typing import Any

from psycopg.adapt import Loader
from sqlalchemy import Engine, event


class _Whole(Loader):
    def load(self, data: Any) -> int:
        """The number; raises `ValueError` for one that is not whole."""
        return int(bytes(data))


def adapt(engine: Engine) -> None:
    """Every connection of the engine gives whole numbers."""

    @event.listens_for(engine, "connect")
    def _on_connect(driver: Any, _record: Any) -> None:
        driver.adapters.register_loader("numeric", _Whole)
