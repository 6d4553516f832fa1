"""Landing files until stopped.

One loop for all sources: it wakes on a hint, when a file is due to have
settled, when a scan is due, and when it is to stop. Outside faults never end
it; a store that is not the one it opened does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ingest.archive import Archive
from ingest.config import Settings
from ingest.errors import CannotWrite, IngestError, TryAgain, Unreachable, UsageError
from ingest.notices.giving import SILENT, Service
from ingest.store.engine import Store
from ingest.watch.clock import Clock
from ingest.watch.heartbeat import Heartbeat, Stop
from ingest.watch.inbox import Inbox
from ingest.watch.landing.take import ignore_lease_breaks
from ingest.watch.leaving.barred import refuse_exits_that_are_barred
from ingest.watch.seeing.hints import Hints
from ingest.watch.seeing.notify import Notifier, open_notifier
from ingest.watch.watcher import Watcher

_log = logging.getLogger(__name__)

_BACKOFF = (1.0, 30.0)  # seconds, first and most, before the store is tried again
RENEW = 300.0  # seconds before notifications that the system's limits refused are asked for again
_LEAST_SLEEP, _MOST_SLEEP = 0.001, 60.0  # seconds
_LOOK = 1.0  # seconds between two words of the loop while it sits something out


def watch(
    store: Store,
    archive: Archive,
    settings: Settings,
    *,
    sources: Sequence[str] = (),
    stop: Stop,
    service: Service = SILENT,
) -> None:
    """Land what arrives in `sources` (none named: all) until `stop` is set; then finish what is in hand.

    `service` is told how that goes. Raises `StoreUnusable` when the store is replaced or damaged, `NotFound`
    for a source that is not configured, `UsageError` when none is.
    """
    with watching(store, archive, settings, sources, stop=stop, service=service) as (
        heartbeat,
        inboxes,
        wake,
    ):
        loop = Loop(inboxes, heartbeat, stop, wake, service)
        try:
            loop.run()
        finally:
            service.stopping()
            loop.close()


class Loop:
    """Steps all inboxes, and sleeps while none has anything to do."""

    def __init__(
        self,
        inboxes: Sequence[Inbox],
        heartbeat: Heartbeat,
        stop: Stop,
        wake: threading.Event,
        service: Service,
    ) -> None:
        self._inboxes = inboxes
        self._heartbeat = heartbeat
        self._stop = stop
        self._wake = wake
        self._service = service
        self._notifier: Notifier | None = None
        self._outages = 0  # one after the other
        self._renew_at = 0.0  # when notifications that the limits refused are asked for again

    def run(self) -> None:
        """Land until it is to stop."""
        self._renew_notifier()
        while not self._stop.is_set():
            self._wake.clear()
            self._service.turn()
            if self._heartbeat.failure is not None:
                raise self._heartbeat.failure
            self._mend()
            try:
                is_busy = step_all(self._inboxes)
            except (CannotWrite, TryAgain, Unreachable) as error:
                self._sit_out(error)
                continue
            self._recover()
            if not is_busy:
                self._service.say(_in_one_line(self._inboxes))
                self._service.ready()
                self._sleep()

    def close(self) -> None:
        """Notifications are stopped."""
        if self._notifier is not None:
            self._notifier.stop()

    def _mend(self) -> None:
        """What has failed or was missed begins anew."""
        if self._heartbeat.take_suspension():
            _log.warning("this watcher was suspended: everything is scanned anew")
            for inbox in self._inboxes:
                inbox.resume()
        if self._notifier is not None and not self._notifier.is_alive():
            _log.error("notifications have died; they begin anew")
            for inbox in self._inboxes:
                inbox.lose_notifications()
            self._renew_notifier()
        elif self._lacks_notifications() and time.monotonic() >= self._renew_at:
            self._renew_notifier()

    def _lacks_notifications(self) -> bool:
        """True while a source is polled only since the system's limits were reached."""
        return any(inbox.condition.is_wrong("notifications") for inbox in self._inboxes)

    def _renew_notifier(self) -> None:
        self._renew_at = time.monotonic() + RENEW
        self.close()
        self._notifier, lack = None, ""
        try:
            self._notifier = open_notifier()
        except OSError as error:
            lack = str(error)
        for inbox in self._inboxes:
            inbox.begin(self._notifier, lack=lack)

    def _sleep(self) -> None:
        """Until something is due, is hinted at, or the watcher is to stop."""
        due = min(self._service.next_at(), *(inbox.next_at() for inbox in self._inboxes))
        until = due - time.monotonic()
        self._wake.wait(min(max(until, _LEAST_SLEEP), _MOST_SLEEP))

    def _sit_out(self, error: IngestError) -> None:
        """The store refuses: nothing was lost, and everything is tried again after a while."""
        pause = min(_BACKOFF[0] * 2 ** min(self._outages, 10), _BACKOFF[1])
        self._outages += 1
        _log.error("%s; trying again in %.0f s", error, pause)
        self._tell_trouble(str(error))
        until = time.monotonic() + pause
        while (
            not self._stop.is_set()
            and self._heartbeat.failure is None
            and (left := until - time.monotonic()) > 0
        ):
            self._service.turn()
            self._wake.clear()
            self._wake.wait(min(left, _LOOK))
        for inbox in self._inboxes:
            inbox.start_over()

    def _recover(self) -> None:
        if self._outages:
            _log.warning("the store can be written again")
            self._tell_trouble("")
        self._outages = 0

    def _tell_trouble(self, trouble: str) -> None:
        self._heartbeat.say(trouble)
        self._service.complain(trouble)


def _in_one_line(inboxes: Sequence[Inbox]) -> str:
    """How the sources are doing."""
    lost = sum(not inbox.condition.is_available for inbox in inboxes)
    return f"watching, sources: {len(inboxes)}" + (f", unavailable: {lost}" if lost else "")


def step_all(inboxes: Sequence[Inbox]) -> bool:
    """True when one of them has more to do at once."""
    return sum(inbox.step() for inbox in inboxes) > 0


def _sweep(archive: Archive) -> None:
    """What dead watchers left half written is gone, where the archive can be written at all."""
    try:
        swept = archive.sweep()
    except OSError as error:
        _log.warning("half-written files of dead watchers could not be looked for: %s", error.strerror)
        return
    if swept:
        _log.info("removed %d half-written files of watchers that died", len(swept))


@contextmanager
def watching(
    store: Store,
    archive: Archive,
    settings: Settings,
    names: Sequence[str],
    *,
    stop: Stop,
    service: Service,
) -> Iterator[tuple[Heartbeat, list[Inbox], threading.Event]]:
    """The chosen sources, ready to be stepped, while this watcher is listed as alive; what wakes the loop."""
    chosen = [settings.source(name) for name in dict.fromkeys(names)] or list(settings.sources)
    if not chosen:
        raise UsageError("ingest.toml names no source", hint="add a [[source]] with a name and a path")
    refuse_exits_that_are_barred(chosen)
    ignore_lease_breaks()
    clock, wake = Clock(store.now), threading.Event()

    def should_stop() -> bool:
        service.turn()  # a step that copies a large file goes on as long as it asks
        return stop.is_set()

    with Heartbeat(store, lease=settings.work.lease, stop=stop, on_stop=wake.set) as heartbeat:
        _sweep(archive)
        watcher = Watcher(
            store=store,
            archive=archive,
            settings=settings,
            clock=clock,
            owner=lambda: heartbeat.id,
            should_stop=should_stop,
        )
        inboxes = [Inbox(watcher, source, Hints(wake)) for source in chosen]
        try:
            yield heartbeat, inboxes, wake
        finally:
            for inbox in inboxes:
                inbox.close()
