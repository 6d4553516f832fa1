"""What befalls the processes, the disk and the folders; every fault ends by itself after a while."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from ingest.store.sqlite.driver import sqlite_module
from tests.server import Server
from tests.torture.drops import Dropper
from tests.torture.fleet import Fleet, Member, send
from tests.torture.project import DATABASE, LEASE, Project
from tests.torture.sources import SOURCES
from tests.torture.trace import Trace

AWAY = {
    69,
    75,
}  # exit codes of who finds the server away, or has it break off what cannot be done beside others
_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ingest'"


class Faults:
    """Brings faults about by chance, and ends them when their time has come."""

    def __init__(
        self, project: Project, fleet: Fleet, dropper: Dropper, chance: random.Random, trace: Trace
    ) -> None:
        self._project, self._fleet, self._dropper = project, fleet, dropper
        self._chance, self._trace = chance, trace
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._is_locked = False
        self._kinds: list[tuple[int, Callable[[], None]]] = [
            (10, self._kill),
            (6, self._kill_child),
            (4, self._terminate),
            (3, self._terminate_twice),
            (4, self._suspend),
            (3, self._suspend_child),
            *(
                [(4, self._hold_lock)]
                if project.server is None
                else [(3, self._restart_server), (4, self._kill_backend)]
            ),
            (3 if project.has_own_disk else 0, self._fill_disk),
            (2, self._lose_source),
        ]

    def strike(self) -> None:
        """One fault happens."""
        [kind] = self._chance.choices([k for _, k in self._kinds], [n for n, _ in self._kinds])
        kind()

    def end_due(self) -> None:
        """Faults whose time is over have ended."""
        now = time.monotonic()
        for due in [entry for entry in self._later if entry[0] <= now]:
            self._later.remove(due)
            due[1]()

    def end_all(self) -> None:
        """No fault lasts."""
        for _, end in self._later:
            end()
        self._later.clear()
        for member in self._fleet.members:
            self._fleet.resume(member)

    # -- the kinds

    def _kill(self) -> None:
        member = self._some_member()
        if member is not None:
            self._trace.note(f"fault: SIGKILL of a {member.kind}", pid=member.process.pid)
            self._fleet.signal(member, signal.SIGKILL)

    def _kill_child(self) -> None:
        pid = self._some_child()
        if pid is not None:
            self._trace.note("fault: SIGKILL of a child", pid=pid)
            send(pid, signal.SIGKILL)

    def _terminate(self) -> None:
        member = self._some_member(is_up=True)
        if member is not None:
            self._trace.note(f"fault: SIGTERM of a {member.kind}", pid=member.process.pid)
            self._fleet.signal(member, signal.SIGTERM)

    def _terminate_twice(self) -> None:
        """Stopping is interrupted: at once, but safely."""
        member = self._some_member(is_up=True)
        if member is not None:
            self._trace.note(f"fault: SIGTERM, SIGINT of a {member.kind}", pid=member.process.pid)
            member.may_end |= {130, 143, -signal.SIGINT, -signal.SIGTERM}
            self._fleet.signal(member, signal.SIGTERM)
            time.sleep(self._chance.uniform(0, 0.05))
            member.process.send_signal(signal.SIGINT)

    def _suspend(self) -> None:
        """A whole watcher or worker stands still for longer than its lease, and then goes on."""
        member = self._some_member()
        if member is None or member.stopped:
            return
        seconds = self._chance.uniform(0.2, 2.5) * LEASE
        self._trace.note(f"fault: SIGSTOP of a {member.kind}", pid=member.process.pid, seconds=seconds)
        self._fleet.suspend(member, [member.process.pid, *self._fleet.children(member)])
        self._after(seconds, lambda: self._fleet.resume(member))

    def _suspend_child(self) -> None:
        workers = [m for m in self._fleet.members if m.kind == "work" and not m.stopped]
        member = self._chance.choice(workers) if workers else None
        children = self._fleet.children(member) if member else []
        if member is None or not children:
            return
        seconds = self._chance.uniform(0.2, 2.5) * LEASE
        self._trace.note("fault: SIGSTOP of a child", supervisor=member.process.pid, seconds=seconds)
        self._fleet.suspend(member, [self._chance.choice(children)])
        self._after(seconds, lambda: self._fleet.resume(member))

    def _hold_lock(self) -> None:
        """Somebody else holds the write lock of the database."""
        if self._is_locked:
            return
        connection = sqlite_module().connect(self._project.database, timeout=10, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite_module().OperationalError:  # a suspended process holds it, or the disk is full
            connection.close()
            return
        self._is_locked = True
        self._trace.note("fault: write lock held")

        def release() -> None:
            connection.close()
            self._is_locked = False

        self._after(self._chance.uniform(0.5, 2.0), release)

    def _restart_server(self) -> None:
        """The server of the store is shut down at once, is away for a while, and starts again."""
        self._expect_an_outage()
        self._trace.note("fault: server shut down at once")
        self._server.stop(signal.SIGQUIT)
        time.sleep(self._chance.uniform(0, 2))  # whoever runs meets it; we ask nothing meanwhile
        self._server.start()

    def _kill_backend(self) -> None:
        """A process of the server is killed, so that the server ends all others and recovers by itself."""
        with psycopg.connect(self._server.url(DATABASE)) as ours:
            pids = [pid for (pid,) in ours.execute(_BACKENDS).fetchall()]
            if not pids:
                return
            self._expect_an_outage()
            self._trace.note("fault: SIGKILL of a backend")
            send(self._chance.choice(pids), signal.SIGKILL)
            with suppress(psycopg.OperationalError):
                ours.execute("SELECT pg_sleep(60)")  # until it ends us too
        self._server.answers_again()

    def _expect_an_outage(self) -> None:
        """Who begins, who is to end, and every command may find the server away and say so."""
        up = set(self._project.live())
        for member in self._fleet.members:
            if member.asked_to_stop_at or member.process.pid not in up:
                member.may_end |= AWAY
        for command in self._fleet.commands:
            command.allowed |= AWAY

    @property
    def _server(self) -> Server:
        assert self._project.server is not None
        return self._project.server

    def _fill_disk(self) -> None:
        if self._fleet.is_disk_full:
            return
        self._fleet.is_disk_full = True
        for member in self._fleet.members:
            if member.asked_to_stop_at or time.monotonic() - member.started_at < 5:
                member.may_end |= {73, 75}
        for command in self._fleet.commands:
            command.allowed |= {73, 75}
        self._trace.note("fault: disk full")
        _fill(self._project)
        self._after(self._chance.uniform(0.5, 4.0), self._free_disk)

    def _free_disk(self) -> None:
        self._project.filler.unlink(missing_ok=True)
        self._fleet.is_disk_full = False
        self._trace.note("end of fault: disk full")

    def _lose_source(self) -> None:
        """The directory of a source is gone for a while, and comes back as it was, or as a new one."""
        source = self._chance.choice(SOURCES)
        if source.name in self._dropper.away:
            return
        self._dropper.away.add(source.name)
        at, away = self._project.source(source.name), self._project.outside / f"away {source.name}"
        self._trace.note("fault: source gone", source=source.name)
        at.rename(away)

        def back() -> None:
            away.rename(at)
            self._dropper.away.discard(source.name)

        self._after(self._chance.uniform(0.3, 4.0), back)

    def _after(self, seconds: float, end: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, end))

    def _some_member(self, *, is_up: bool = False) -> Member | None:
        """One of the processes; one that `is_up` has come so far that it answers signals."""
        up = set(self._project.live()) if is_up else set()
        members = [m for m in self._fleet.members if not is_up or m.process.pid in up]
        return self._chance.choice(members) if members else None

    def _some_child(self) -> int | None:
        children = [pid for m in self._fleet.members if m.kind == "work" for pid in self._fleet.children(m)]
        return self._chance.choice(children) if children else None


def _fill(project: Project) -> None:
    """Not a byte is left on the disk of the store."""
    with project.filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
