"""Whether others may have committed: hinted at by NOTIFY, and assumed now and then whatever was said.

The hint may be missed, be left out by its sender, or never come; looking is
the truth. A store that was just hinted at is taken to move for a while, since
its writers leave out hints that would follow one another closely.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from ingest.errors import StoreReplaced

CHANNEL = "ingest"
LIVELY = 0.2  # seconds for which a hint is believed
LOOK_EVERY = (0.5, 1.0)  # seconds between two looks without any; uniform, so that hosts do not look together
_RECONNECT_EVERY = 5.0  # seconds between two tries to hear hints again


class Notifications:
    """Implements `ingest.store.engine.Changes` on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._raw: Any = None  # the driver's connection
        self._try_at = 0.0
        self._lively_until = 0.0
        self._look_at = 0.0

    def has_moved(self) -> bool:
        """True when something may have been committed since the last call; always at the first."""
        was_heard = self._raw is not None
        self.take_hint()
        is_lost = was_heard and self._raw is None  # hints with it; and nobody is to wait for its handle
        now = time.monotonic()
        if is_lost or now >= self._look_at or now < self._lively_until:
            self._look_at = now + random.uniform(*LOOK_EVERY)  # noqa: S311  # spreads looks, hides nothing
            return True
        return False

    def expect(self) -> int:
        """A handle that is readable once a hint came; -1 where the server cannot be heard.

        Raises `StoreReplaced` where a server answers that lacks what this host has seen.
        """
        if self._raw is None and time.monotonic() >= self._try_at:
            self._listen()
        return -1 if self._raw is None else int(self._raw.fileno())

    def take_hint(self) -> bool:
        """True when a hint came since the last call."""
        if self._raw is None:
            return False
        try:
            heard = bool(list(self._raw.notifies(timeout=0)))
        except Exception:  # noqa: BLE001  # a connection that breaks gives no hints: looking is the truth
            self._let_go()
            return False
        if heard:
            self._lively_until = time.monotonic() + LIVELY
        return heard

    def close(self) -> None:
        """Give the connection back."""
        self._let_go()

    def _listen(self) -> None:
        self._try_at = time.monotonic() + _RECONNECT_EVERY
        try:
            pooled = self._engine.raw_connection()
            self._raw = pooled.driver_connection
            pooled.detach()
            self._raw.autocommit = True
            self._raw.execute(f"LISTEN {CHANNEL}")
        except StoreReplaced:
            raise
        except Exception:  # noqa: BLE001  # it breaks at any of these: SQLAlchemy wraps only the first
            self._let_go()

    def _let_go(self) -> None:
        if self._raw is not None:
            with suppress(Exception):
                self._raw.close()
        self._raw = None
