"""One campaign: files arrive and faults strike by one seed; then everything heals and is judged.

The seed fixes the plan: what is dropped, which fault follows which. It does not
fix how processes interleave, so a violation may take several runs to come again;
the trace says what happened in this one.
"""

from __future__ import annotations

import random
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.store.sqlite.driver import sqlite_module
from tests.torture import judge
from tests.torture.drops import Dropper
from tests.torture.faults import Faults
from tests.torture.fleet import Fleet
from tests.torture.model import Model
from tests.torture.people import People
from tests.torture.project import Project, project
from tests.torture.receiver import Receiver
from tests.torture.trace import Trace, Violation

DRAIN_SECONDS = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one campaign came to."""

    seed: int
    seconds: float
    counts: dict[str, int]
    summary: str
    violation: Exception | None
    requests: int  # that the receiver was asked
    keys: int  # under which it was
    kept: Path | None  # where everything lies that it left, after a violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How densely things happen, and how many processes they happen to."""

    watchers: int
    workers: int
    children: int
    drop: float  # chance of each, at every step
    strike: float
    ask: float


def run(seed: int, seconds: float, *, pace: Pace | None = None, below: Path | None = None) -> Report:
    """The campaign of `seed` has run for `seconds`, healed, and been judged."""
    chance = random.Random(seed)
    root = Path(tempfile.mkdtemp(prefix=f"torture-{seed}-", dir=below))
    trace = Trace(root / "trace.jsonl")
    receiver = Receiver(seed)
    made = project(root, wants_own_disk=chance.random() < 0.6, receiver=receiver.url)
    campaign = Campaign(made, chance, trace, receiver, pace or _some_pace(chance))
    began = time.monotonic()
    violation: Exception | None = None
    try:
        campaign.storm(seconds)
        campaign.heal()
        summary = judge.judge(made, campaign.model, campaign.fleet, receiver)
        campaign.people.events_stand()
    except Exception as found:  # noqa: BLE001  # whatever a campaign breaks off at is a finding
        violation, summary = found, ""
        trace.note("violation", found="".join(traceback.format_exception(found)))
    finally:
        campaign.fleet.kill_everything()
        made.filler.unlink(missing_ok=True)
        receiver.close()
    if violation is None:
        made.remove()
    return Report(
        seed=seed,
        seconds=time.monotonic() - began,
        counts=dict(trace.counts),
        summary=summary,
        requests=receiver.requests,
        keys=sum(map(len, receiver.keys.values())),
        violation=violation,
        kept=None if violation is None else root,
    )


class Campaign:
    """The project, its processes, and those who trouble them."""

    def __init__(
        self, made: Project, chance: random.Random, trace: Trace, receiver: Receiver, pace: Pace
    ) -> None:
        self.model = Model()
        self.fleet = Fleet(made, trace)
        self._project, self._chance, self._trace, self._pace = made, chance, trace, pace
        self._dropper = Dropper(made, self.model, chance, trace)
        self.people = People(made, self.fleet, self._dropper, chance, trace)
        self._faults = Faults(made, self.fleet, self._dropper, chance, trace)
        self._receiver = receiver
        self._sampled_at = 0.0
        trace.note("begin", own_disk=made.has_own_disk, pace=repr(pace))

    def storm(self, seconds: float) -> None:
        """Files have arrived, faults have struck, people have asked, all at once."""
        until = time.monotonic() + seconds
        calm_at = time.monotonic() + seconds / 2
        while time.monotonic() < until:
            self._man()
            for likely, act in (
                (self._pace.drop, self._dropper.drop),
                (self._pace.strike, self._faults.strike),
                (self._pace.ask, self.people.ask),
            ):
                if self._chance.random() < likely:
                    self._try(act)
            self._look()
            if time.monotonic() > calm_at and seconds > 60:
                calm_at = until
                self._calm()
            time.sleep(self._chance.uniform(0, 0.1))

    def _try(self, act: Callable[[], None]) -> None:
        """Act; not even we can read the database while its disk is full."""
        try:
            act()
        except sqlite_module().OperationalError:
            if not self.fleet.is_disk_full:
                raise

    def heal(self) -> None:
        """Faults have ended; all that is left to do was done without a person, then all has stopped."""
        self._trace.note("heal")
        self._receiver.behaves = True
        self._faults.end_all()
        self._dropper.end_slow_writes()
        self._await_commands()
        self._undo_what_people_did()
        self._man()
        self._await(lambda: judge.has_drained(self._project, self.model), "everything drains")
        self._await(self._not_up, "everybody is up")
        self.fleet.stop()
        left = [pid for pid in self.fleet.all_processes() if not self._may_be_left(pid)]
        if left:
            raise Violation(
                "I19", f"processes are left: {[Path(f'/proc/{p}/cmdline').read_bytes() for p in left]}"
            )
        self._finish("watch", "--once")
        self._finish("work", "--once", "--wait-retries")
        self._revive()

    def _not_up(self) -> str:
        up = set(self._project.live())
        return ", ".join(m.kind for m in self.fleet.members if m.process.pid not in up)

    def _calm(self) -> None:
        """Faults end for a moment; a run of `watch --once` lands all that lies there."""
        self._trace.note("calm")
        self._faults.end_all()
        self._await_commands()
        standing = dict(self.model.standing)
        self._finish("watch", "--once")
        self.model.has_settled(standing)

    def _man(self) -> None:
        """Whoever is missing is started again."""
        if self.fleet.is_disk_full:
            return
        for kind, wanted in (("watch", self._pace.watchers), ("work", self._pace.workers)):
            args = ("--concurrency", str(self._pace.children)) if kind == "work" else ()
            for _ in range(wanted - sum(member.kind == kind for member in self.fleet.members)):
                self.fleet.start(kind, *args)

    def _look(self) -> None:
        self._faults.end_due()
        self.fleet.check()
        self.people.hear()
        if time.monotonic() > self._sampled_at + 0.5:
            self._sampled_at = time.monotonic()
            self.fleet.sample_memory()

    def _await_commands(self) -> None:
        while self.fleet.commands:
            self._look()
            time.sleep(0.05)

    def _await(self, is_so: judge.Question, what: str) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while (missing := is_so()) != "":
            if time.monotonic() > deadline:
                raise Violation("I11", f"not in {DRAIN_SECONDS:.0f} s: {what}: {missing}")
            self._look()
            self._man()
            time.sleep(0.2)

    def _undo_what_people_did(self) -> None:
        for (name,) in self._project.rows("SELECT processor FROM subscriptions WHERE state = 'paused'"):
            self._finish("processors", "resume", name)
        for (replay,) in self._project.rows("SELECT id FROM replays WHERE state = 'paused'"):
            self._finish("replays", "resume", replay)

    def _finish(self, *args: str, allowed: tuple[int, ...] = (0, 3)) -> None:
        self.fleet.command(*args, allowed=allowed)
        self._await_commands()

    def _may_be_left(self, pid: int) -> bool:
        """A process that hid from its group and whose supervisor was killed is beyond our reach."""
        try:
            is_daemon = b"sleep\x003600" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return True
        return is_daemon and self.fleet.workers_killed > 0

    def _revive(self) -> None:
        """Good files that were killed too often while they ran are well once they are tried again."""
        for event_id, processor in judge.good_but_dead(self._project, self.model):
            self._finish("dead", "retry", event_id, "--processor", processor, "--yes", "--reason", "killed")
        self._finish("work", "--once", "--wait-retries")


def _some_pace(chance: random.Random) -> Pace:
    return Pace(
        watchers=chance.choice((1, 2, 2, 3)),
        workers=chance.choice((1, 2, 2, 3, 4)),
        children=chance.choice((1, 2)),
        drop=chance.uniform(0.2, 0.9),
        strike=chance.uniform(0.02, 0.1),
        ask=chance.uniform(0.05, 0.2),
    )
