"""Watching and working side by side: two processes that share nothing, each started again when it dies.

Landing must not wait for processing, nor fall with it, so each runs as the
command it is. This module only starts, restarts and stops them.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from ingest.errors import CannotWrite
from ingest.notices.giving import SILENT, Service
from ingest.notices.hearing import Ear
from ingest.work.deaths import in_words

_log = logging.getLogger(__name__)

LOOK_EVERY = 0.1  # seconds
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before a process that died is started again
STEADY_AFTER = 60.0  # seconds after which a process counts as healthy again
FOR_GOOD = (2, 4, 65, 78)  # usage, not found, unusable store, missing extra: starting again would not help
SEVERITY = (1, 2, 4, 65, 73, 69, 78, 3, 75)  # of two exit codes, the one that stands first is answered


class Stop(Protocol):
    """Asked now and then whether to stop; a second wish means at once."""

    def wait(self, timeout: float) -> bool:
        """Wait at most so many seconds; True when it is time to stop."""

    def is_set(self) -> bool:
        """True when it is time to stop."""

    def is_urgent(self) -> bool:
        """True when it is time to stop at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One of the processes: what it is called, and how it is started."""

    name: str
    argv: Sequence[str]


@dataclass(slots=True)
class _Player:
    """A role with the process that plays it now, or played it last."""

    role: Role
    told: Mapping[str, str]  # environment: where it is to say how it is doing
    process: subprocess.Popen[bytes] | None = None  # None until the system has granted one
    started_at: float = field(default_factory=time.monotonic)
    wait: float = FIRST_WAIT
    again_at: float | None = None  # when it is started again
    heard_at: float = field(default_factory=time.monotonic)  # when it last said that it does not hang
    is_ready: bool = False
    status: str = "starts"

    def start(self) -> None:
        """A new process plays the role; where the system refuses one, it is tried again after a while."""
        self.started_at = self.heard_at = time.monotonic()
        try:
            self.process, self.again_at, self.status = _start(self.role, self.told), None, "starts"
        except OSError as error:
            self.plan_restart("cannot be started and is tried again")
            said = "%s cannot be started: %s; trying again"
            _log.error(said, self.role.name, error.strerror)  # no traceback reaches a user

    def take(self, notices: Mapping[str, str]) -> None:
        """The process has said how it is doing; what one said that has died since says nothing any more."""
        if self.again_at is not None:
            return
        self.is_ready = self.is_ready or "READY" in notices
        self.status = notices.get("STATUS", self.status)
        if "WATCHDOG" in notices:
            self.heard_at = time.monotonic()

    def is_silent(self, patience: float) -> bool:
        """True when it has said nothing for so many seconds, though it runs."""
        return self.again_at is None and time.monotonic() - self.heard_at > patience

    def plan_restart(self, status: str) -> None:
        """There is no process: one is started after a while, longer each time."""
        if time.monotonic() - self.started_at > STEADY_AFTER:
            self.wait = FIRST_WAIT
        self.again_at = time.monotonic() + self.wait
        self.status = status
        self.wait = min(self.wait * 2, LONGEST_WAIT)


def together(roles: Sequence[Role], *, stop: Stop, service: Service = SILENT) -> int:
    """All roles are played until `stop`, each process that dies being replaced; the exit code of the whole.

    0 after every process drained; what a process leaves with when starting
    it again would not help. `service` is told how all of them are doing.
    """
    with ExitStack() as stack:
        ear = stack.enter_context(Ear(service.watchdog)) if service.is_heard else None
        told = {} if ear is None else ear.environment
        players = [_Player(role, told) for role in roles]
        stack.callback(_end_all, players, stop, service)
        stack.callback(service.stopping)
        for player in players:
            player.start()
        while not stop.wait(LOOK_EVERY):
            for player in players:
                code = _look_after(player)
                if code is not None:
                    return code
            if ear is not None:
                _pass_on(players, ear, service)
        service.stopping()
        return _end_all(players, stop, service)


def _pass_on(players: Sequence[_Player], ear: Ear, service: Service) -> None:
    """Whoever started us knows how all are doing; while one of them hangs, we are as silent as it is."""
    for heard in ear.hear():
        for player in players:
            if player.process is not None and player.process.pid == heard.pid:
                player.take(heard.notices)
    service.say("; ".join(f"{player.role.name}: {player.status}" for player in players))
    if all(player.is_ready for player in players):
        service.ready()
    if service.watchdog is None or not any(player.is_silent(service.watchdog) for player in players):
        service.turn()


def one_after_the_other(roles: Sequence[Role], *, stop: Stop) -> int:
    """Each role is played once, to its end; the gravest exit code.

    Raises `CannotWrite` where the system refuses a process.
    """
    codes = []
    for role in roles:
        if stop.is_set():
            break
        process = _granted(role)
        try:
            while process.poll() is None and not stop.wait(LOOK_EVERY):
                pass
        finally:
            codes.append(_end([process], stop, SILENT))
    return _gravest(codes)


def _granted(role: Role) -> subprocess.Popen[bytes]:
    try:
        return _start(role, {})
    except OSError as error:
        raise CannotWrite(
            f"cannot start a process for {role.name}: {error.strerror}",
            hint="raise the limits on processes and open files; nothing was lost",
        ) from error


def _start(role: Role, told: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: a terminal's Ctrl-C reaches us alone, and we pass on one SIGTERM.
    process = subprocess.Popen(  # noqa: S603  # our own command
        role.argv, stdin=subprocess.DEVNULL, env={**os.environ, **told}, start_new_session=True
    )
    _log.info("%s started, pid %d", role.name, process.pid)
    return process


def _look_after(player: _Player) -> int | None:
    """Start again what died; the exit code to leave with when that would not help."""
    if player.again_at is not None:
        if time.monotonic() >= player.again_at:
            player.start()
        return None
    code = None if player.process is None else player.process.poll()
    if code is None:
        return None
    if code in FOR_GOOD:
        return code
    player.plan_restart("died and is started again")
    _log.error("%s ended: %s; it is started again", player.role.name, in_words(code))
    return None


def _end_all(players: Sequence[_Player], stop: Stop, service: Service) -> int:
    """No role is played any more; the gravest exit code of the processes that played one."""
    playing = [each.process for each in players if each.process is not None and each.again_at is None]
    return _end(playing, stop, service)


def _end(processes: Sequence[subprocess.Popen[bytes]], stop: Stop, service: Service) -> int:
    """Every process was asked to drain and has ended; the gravest of their exit codes."""
    asked = [process for process in processes if process.poll() is None]
    for process in asked:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        while process.poll() is None:
            service.turn()
            if stop.is_urgent():
                process.kill()
            try:
                process.wait(LOOK_EVERY)
            except subprocess.TimeoutExpired:
                continue
    # Only one that has not begun yet, or is through, dies of being asked.
    return _gravest([0 if _died_of_it(each) and each in asked else each.returncode for each in processes])


def _died_of_it(process: subprocess.Popen[bytes]) -> bool:
    return process.returncode == -signal.SIGTERM


def _gravest(codes: Sequence[int]) -> int:
    """The code that stands first in `SEVERITY`; one that does not stand there is graver than 0 only."""
    positive = [code if code >= 0 else 1 for code in codes]
    return min(positive, key=_lightness, default=0)


def _lightness(code: int) -> int:
    if code == 0:
        return len(SEVERITY) + 1
    return SEVERITY.index(code) if code in SEVERITY else len(SEVERITY)
