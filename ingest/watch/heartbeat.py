"""The watcher among the workers: it is listed, it beats, and it retires."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from ingest.errors import CannotWrite, StoreUnusable, TryAgain, Unreachable
from ingest.store import presence, workers
from ingest.store.engine import Store
from ingest.store.presence import Presence
from ingest.store.workers import Worker

_GLANCE = 0.1  # seconds between two looks at `stop`, which a signal handler sets

_ALL_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # also while the machine sleeps

_log = logging.getLogger(__name__)


class Stop(Protocol):
    """What tells the watcher to stop; a `threading.Event` is one."""

    def is_set(self) -> bool:
        """True once it is to stop."""


class Heartbeat:
    """This watcher is listed as alive while the block runs.

    It beats in a thread of its own, so that copying a large file does not
    look like death, and calls `on_stop` as soon as `stop` is set.
    """

    def __init__(self, store: Store, *, lease: timedelta, stop: Stop, on_stop: Callable[[], None]) -> None:
        self._store = store
        self._lease = lease
        self._stop = stop
        self._on_stop = on_stop
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher-beat", daemon=True)
        self._presence: Presence | None = None
        self._was_suspended = threading.Event()
        self.failure: Exception | None = None  # met while beating: the watcher is to end

    @property
    def id(self) -> str:
        """Who this watcher is; another one after it was taken for dead."""
        return "" if self._presence is None else self._presence.id

    def take_suspension(self) -> bool:
        """True once after this process did not run for longer than its lease."""
        if not self._was_suspended.is_set():
            return False
        self._was_suspended.clear()
        return True

    def __enter__(self) -> Self:
        self._enlist()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        try:
            with self._store.write() as tx:
                workers.retire(tx, self.id, now=self._store.now())
        except (CannotWrite, TryAgain, Unreachable, StoreUnusable) as failure:
            _log.warning("the watcher could not sign off: %s", failure)
        finally:
            self._leave()

    def say(self, trouble: str) -> None:
        """Whoever asks for the status sees what is wrong now, also while the store cannot be written."""
        if self._presence is not None:
            self._presence.say(trouble)

    def _enlist(self) -> None:
        here = Presence(presence.directory_of(self._store.path), "watcher")
        me = Worker(id=here.id, kind="watcher", host=here.host, pid=os.getpid())
        try:
            with self._store.write() as tx:
                if self._presence is not None:
                    workers.retire(tx, self.id, now=self._store.now())
                workers.enlist(tx, me, lease=self._lease, now=self._store.now())
                self._store.witness(tx)
        except BaseException:
            here.leave()
            raise
        self._leave()
        self._presence = here

    def _leave(self) -> None:
        """The lock file of the present name, if there is one, is gone."""
        if self._presence is not None:
            self._presence.leave()
        self._presence = None

    def _run(self) -> None:
        """Beat until the end: a thread that died in silence would make a healthy watcher look dead."""
        try:
            self._go_on_beating()
        except Exception as error:  # noqa: BLE001  # raised again by the loop
            self.failure = error
            self._on_stop()

    def _go_on_beating(self) -> None:
        every = self._lease.total_seconds() / 3
        state, due = "active", time.monotonic() + every
        seen = time.clock_gettime(_ALL_TIME)
        while not self._ended.wait(_GLANCE):
            seen, before = time.clock_gettime(_ALL_TIME), seen
            if seen - before > self._lease.total_seconds():
                self._was_suspended.set()
                self._on_stop()
            if state == "active" and self._stop.is_set():
                state, due = "stopping", 0.0
                self._on_stop()
            if time.monotonic() >= due:
                self._beat(state)
                due = time.monotonic() + every
                seen = time.clock_gettime(_ALL_TIME)

    def _beat(self, state: str) -> None:
        try:
            with self._store.write() as tx:
                is_known = workers.beat(tx, self.id, lease=self._lease, now=self._store.now(), state=state)
                self._store.witness(tx)
            if not (is_known and self._is_shown()):
                _log.warning("this watcher was taken for dead; it goes on under another name")
                self._enlist()
        except (CannotWrite, TryAgain, Unreachable) as error:
            _log.warning("the watcher could not say that it lives: %s", error)

    def _is_shown(self) -> bool:
        return self._presence is not None and self._presence.is_shown()
