"""The children of one supervisor: started, heard, charged when they die, ended when they overrun."""

from __future__ import annotations

import logging
import os
import random
import selectors
import signal
import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from ingest.config import Bucket
from ingest.errors import IngestError, ProcessorUnloadable, TryAgain, WorkerLost
from ingest.store import crashes, presence
from ingest.store.engine import Store
from ingest.store.presence import Presence
from ingest.work.deaths import unrepeated
from ingest.work.leftovers import sweep
from ingest.work.outages import cannot_start, failure_of
from ingest.work.rooms import Rooms
from ingest.work.spawned import Child, Said, drain, hear, spawn
from ingest.work.spec import ChildSpec, ProcessorSpec
from ingest.work.start_failures import StartFailures

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What every child is given."""

    archive: Path | Bucket
    processors: tuple[ProcessorSpec, ...]
    processors_dir: Path | None
    start_timeout: float  # seconds for a child to start, the imports of all its processors included
    silence: float = 300.0  # seconds that the engine's own part of it may take without a sign of life


class Pool:
    """The live children of worker `me`, and how what they did has ended so far."""

    def __init__(  # what it works with
        self, store: Store, me: Presence, equipment: Equipment, rooms: Rooms, ended: Counter[str]
    ) -> None:
        self.children: list[Child] = []
        self.ended = ended
        self.has_news = True  # a child fell idle or died: look for work
        self.is_doubted = False  # a child says that this worker was taken for dead
        self._store, self._me, self._equipment = store, me, equipment
        self._rooms = rooms
        self._selector = selectors.DefaultSelector()
        self._spawned = 0
        self._start_failures = StartFailures()
        self._unreleased: list[Child] = []  # dead, and the store does not know yet

    def start_child(self, *, limit: int | None) -> None:
        """One more child works; `limit` is how many deliveries it may end."""
        self._me.check_shown()
        taken = {child.spec.slot for child in (*self.children, *self._unreleased)}
        equipment = self._equipment
        self._spawned += 1
        spec = ChildSpec(
            store_url=self._store.url,
            store_local=str(self._store.local),
            archive=str(equipment.archive),
            worker=self._me.id,
            lock=str(self._me.path),
            room=str(self._rooms.make(self._spawned)),
            slot=next(slot for slot in range(presence.CHILDREN) if slot not in taken),
            child=self._spawned,
            parent=os.getpid(),
            log_level=logging.getLogger().getEffectiveLevel(),
            processors_dir=None if equipment.processors_dir is None else str(equipment.processors_dir),
            limit=limit,
            processors=equipment.processors,
        )
        try:
            self.children.append(spawn(spec, self._selector))
        except OSError as error:
            self._rooms.remove(self._spawned)
            raise cannot_start(error) from error

    def may_start(self) -> bool:
        """True unless children died again and again at their start and the next is to wait."""
        return self._start_failures.may_be_tried()

    def listen(self, seconds: float, prompts: Collection[int] = ()) -> None:
        """Whatever the children said within `seconds` is known; returns at the first word, or prompt.

        A prompt is a handle that has become readable; it is not read.
        """
        for handle in prompts:
            self._selector.register(handle, selectors.EVENT_READ)
        ready = self._selector.select(seconds)
        for handle in prompts:
            self._selector.unregister(handle)
        for key, _ in ready:
            if key.data is not None:
                self._understand(key.data, hear(key.data, key.fd, self._selector))

    def idle(self) -> Child | None:
        """A child that waits for work."""
        return next((child for child in self.children if child.state == "idle"), None)

    def are_all_up(self) -> bool:
        """True when there are children, and every one of them has imported its processors."""
        return bool(self.children) and all(child.state != "starting" for child in self.children)

    def are_all_idle(self) -> bool:
        """True when nothing is being worked here."""
        return all(child.state == "idle" for child in self.children)

    def trouble(self) -> IngestError | None:
        """What keeps children from starting, or a child says is wrong with the surroundings."""
        return self._start_failures.trouble() or next(
            (child.trouble for child in self.children if child.trouble is not None), None
        )

    def bury_dead(self, *, is_stopping: bool) -> None:
        """Dead children are gone, with all they had begun; the delivery that one ran has a crash more.

        While stopping nothing is charged. Raises what a child gave up with when
        none gets as far as being ready, and no import is to blame.
        """
        for child in [c for c in self.children if c.process.poll() is not None]:
            self.children.remove(child)
            self._end(child)
            self._unreleased.append(child)
        while self._unreleased:
            self._release(self._unreleased[0], is_stopping=is_stopping)
            self._unreleased.pop(0)
            self.has_news = True
        self._start_failures.check()

    def end_overdue(self) -> None:
        """A child that has used up its time, for a delivery or its start, is killed with its group."""
        now = time.monotonic()
        for child in self.children:
            ran = self._me.board.read(child.spec.slot)
            silence = now - child.heard_at
            if not child.has_loaded:
                if now - child.started_at > self._equipment.start_timeout:
                    child.kill(f"it was not ready after {self._equipment.start_timeout:g} s")
            elif ran is not None and ran.deadline_ns:
                if ran.deadline_ns < now * 1e9:
                    child.kill(f"timed out after {(ran.deadline_ns - ran.started_ns) / 1e9:g} s")
            elif child.state != "idle" and silence > self._equipment.silence:
                child.kill(f"it gave no sign of life for {self._equipment.silence:g} s")

    def stop(self) -> None:
        """Every child finishes what it runs, gives the rest back and exits."""
        for child in self.children:
            child.stop()

    def close(self) -> None:
        """No process that any child brought about is left; nothing is charged."""
        for child in self.children:
            child.kill("the worker stopped")
            child.process.wait()
            self._end(child)
            self._me.board.write(child.spec.slot, None)
        self.children.clear()
        sweep(())
        self._selector.close()

    def _end(self, child: Child) -> None:
        child.kill("")
        self._understand(child, drain(child, self._selector))
        self._sweep()
        self._rooms.remove(child.spec.child)

    def _sweep(self) -> None:
        """What a child left behind that has ended, or that waits for work, is ended too."""
        busy = {child.mark for child in self.children if child.state != "idle"}
        orphans = sweep({child.process.pid for child in self.children}, spared=busy)
        if orphans:
            _log.warning("ended %d processes that a processor had left behind", orphans)

    def _understand(self, child: Child, messages: Iterable[Said]) -> None:
        for said in messages:
            match said.kind:
                case "ended":
                    self.ended.update(said.ended)
                    child.trouble = None
                case "refused":
                    child.trouble = failure_of(said.error, said.hint, said.exit_code)
                case "failed":
                    child.failure = failure_of(said.error, said.hint, said.exit_code)
                case "loaded":
                    child.has_loaded = True
                case "ready":
                    child.state = "busy"
                    self._start_failures.succeeded()
                case "idle":
                    child.state, child.trouble, self.has_news = "idle", None, True
                    self._sweep()

    def _release(self, child: Child, *, is_stopping: bool) -> None:
        """What the dead child held is ready again."""
        is_clean = child.process.returncode == 0 and not child.end
        ran = None if is_clean or is_stopping else self._me.board.read(child.spec.slot)
        with self._store.write() as tx:
            charged = crashes.release(
                tx,
                self._me.id,
                child.spec.child,
                [] if ran is None else [ran],
                error=child.death(),
                jitter=random.random(),  # noqa: S311  # spreads retries
                now=self._store.now(),
            )
        self._me.board.write(child.spec.slot, None)
        self.ended["crashed"] += len(charged)
        self.ended.update(ended for ended in charged if ended != "retrying")
        if child.process.returncode == WorkerLost.exit_code:
            self.is_doubted = True
        elif not (is_clean or is_stopping):
            self._report_loss(child)

    def _report_loss(self, child: Child) -> None:
        if child.failure is None:
            _log.warning("a child was lost: %s%s", child.death(), unrepeated(child.printed))
        else:
            _log.warning("a child gave up: %s; %s", child.failure.message, child.failure.hint)
        if child.state == "starting":
            self._start_failures.failed(child.failure or _not_started(child))


def _not_started(child: Child) -> IngestError:
    """Why a child never got as far as being ready: something in it, or somebody who killed it."""
    said = f"the work process cannot start: {child.death()}{unrepeated(child.printed)}"
    if child.process.returncode == -signal.SIGKILL and not child.end:
        return TryAgain(said, hint="see who kills it, or whether memory is short")
    if child.has_loaded:
        return IngestError(said, hint="see its log")
    return ProcessorUnloadable(said, hint="see with `ingest try` what its processors do at their import")
