"""What people ask for meanwhile: looking, repeating, pausing, proving. Every answer is checked."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from typing import Any

from tests.torture.drops import Dropper
from tests.torture.fleet import Command, Fleet
from tests.torture.project import Project
from tests.torture.sources import BY_NAME
from tests.torture.trace import Trace, Violation, hold

AT_ONCE = 3  # commands that run beside one another
PROCESSORS = ("payments", "ledger", "copies", "odd", "notify")
MODES = ("rerun", "rerun", "rerun", "shadow", "force")
GONE = (0, 3, 4, 5)  # what was to be changed may have changed meanwhile


class People:
    """Gives commands by chance, and looks at what comes back."""

    def __init__(
        self, project: Project, fleet: Fleet, dropper: Dropper, chance: random.Random, trace: Trace
    ) -> None:
        self._project, self._fleet, self._dropper, self._model = project, fleet, dropper, dropper.model
        self._chance, self._trace = chance, trace
        self._checks: list[tuple[Command, Callable[[Command], None]]] = []
        self._rows: dict[int, tuple[str, str]] = {}  # events as they were seen once: position to id and body
        self._asks: list[tuple[int, Callable[[], None]]] = [
            (6, self._status),
            (2, self._verify_events),
            (2, self._verify_archive),
            (3, self._trace_a_path),
            (3, self._retry_a_dead),
            (2, self._discard_a_poison),
            (8, self._replay),
            (4, self._change_a_replay),
            (5, self._land_by_hand),
            (3, self._pause_or_resume),
            (4, self._cron),
            (2, self._remember_events),
        ]

    def ask(self) -> None:
        """Somebody gives a command, unless enough are running."""
        if len(self._fleet.commands) < AT_ONCE:
            [ask] = self._chance.choices([a for _, a in self._asks], [n for n, _ in self._asks])
            ask()

    def hear(self) -> None:
        """What has been answered so far is as it must be."""
        for ended in self._fleet.ended_commands():
            for command, check in [pair for pair in self._checks if pair[0] is ended]:
                self._checks.remove((command, check))
                if command.process.returncode == 0:
                    check(command)

    def events_stand(self) -> None:
        """Every event that was seen once reads as it did."""
        now = dict(self._events())
        changed = [position for position, seen in self._rows.items() if now.get(position) != seen]
        if changed:
            raise Violation("I3", f"events changed or vanished at positions {changed[:10]}")

    # -- what is asked

    def _status(self) -> None:
        self._give("status", "--json", check=self._status_agrees)

    def _status_agrees(self, command: Command) -> None:
        said = json.loads(command.out.read_text())
        landed = sum(source["landed"] for source in said["sources"])
        [(stood,)] = self._project.rows(
            "SELECT count(*) FROM events WHERE type = 'ingest.file.landed.v1'"
            f" AND position <= {said['head_position']}"
        )
        # Whoever began to land before may commit behind the head; on SQLite nobody can.
        may_differ = self._project.is_on_server and landed < stood
        if landed != stood and not may_differ:
            raise Violation("I10", f"status counts {landed} landed where {stood} events stood")

    def _verify_events(self) -> None:
        self._give("events", "verify", "--json")

    def _verify_archive(self) -> None:
        self._give("archive", "verify", "--json")

    def _trace_a_path(self) -> None:
        places = list(self._model.standing)
        if places:
            source, path = self._chance.choice(places)
            at = self._project.source(source).joinpath(path.decode(errors="surrogateescape"))
            word = self._chance.choice(("trace", "why"))
            self._give(word, "--json", "--", str(at), allowed=(0, 2, 4))

    def _retry_a_dead(self) -> None:
        row = self._some_dead("")
        if row is not None:
            flags = ("--processor", row[1], "--yes", "--reason", "once more")
            self._give("dead", "retry", row[0], *flags, allowed=GONE)

    def _discard_a_poison(self) -> None:
        row = self._some_dead("AND e.content IS NOT NULL")
        content = self._model.contents.get(row[2]) if row is not None else None
        if row is not None and content is not None and content.is_poison:
            flags = ("--processor", row[1], "--yes", "--reason", "it is poison")
            self._give("dead", "discard", row[0], *flags, allowed=GONE)

    def _replay(self) -> None:
        processor = self._chance.choice(PROCESSORS)
        some = self._chance.choice(((), ("--source", "acme"), ("--from", "20"), ("--status", "dead")))
        mode = self._chance.choice(MODES)
        flags = (*some, "--mode", mode, "--yes", "--json", "--reason", "to see")

        def is_begun(command: Command) -> None:
            if json.loads(command.out.read_text())["events"]:
                self._trace.note(f"replay: {mode}", processor=processor)

        self._give("replay", processor, *flags, allowed=(0, 4, 5), check=is_begun)

    def _land_by_hand(self) -> None:
        """A file outside of all sources lands because somebody says so; one that is too large does not."""
        if any(command.args[0] == "land" for command in self._fleet.commands):
            return
        file, place = self._dropper.hand()
        content = self._model.history[place][-1]
        is_too_large = len(content.data) > BY_NAME[place[0]].max_size
        flags = ("--source", place[0], "--as", os.fsdecode(place[1]), "--json", "--reason", "by hand")

        def has_landed(command: Command) -> None:
            said = json.loads(command.out.read_text())
            hold("I1", said["sha256"] == content.sha256, f"{place} landed by hand as {said}")
            self._model.must.append((place, content))
            self._trace.note("by hand: landed", source=place[0], path=place[1])

        self._give(
            "land", *flags, "--", str(file), allowed=(3,) if is_too_large else (0, 75), check=has_landed
        )

    def _change_a_replay(self) -> None:
        rows = self._project.rows("SELECT id FROM replays WHERE state NOT IN ('done', 'cancelled')")
        if rows:
            word = self._chance.choice(("pause", "resume", "resume", "cancel"))
            self._give("replays", word, self._chance.choice(rows)[0], allowed=(0, 2, 4, 5))

    def _pause_or_resume(self) -> None:
        word = self._chance.choice(("pause", "resume", "resume"))
        self._give("processors", word, self._chance.choice(PROCESSORS), allowed=(0, 4))

    def _cron(self) -> None:
        """The same commands once more, beside those that run."""
        args = self._chance.choice((("watch", "--once"), ("work", "--once")))
        self._give(*args, allowed=(0, 3, 69, 75))

    def _remember_events(self) -> None:
        self._rows |= dict(self._events())

    # -- how

    def _give(
        self, *args: str, allowed: tuple[int, ...] = (0,), check: Callable[[Command], None] | None = None
    ) -> None:
        command = self._fleet.command(*args, allowed=allowed)
        if check is not None:
            self._checks.append((command, check))

    def _some_dead(self, condition: str) -> tuple[Any, ...] | None:
        rows = self._project.rows(
            "SELECT e.id, g.processor, e.content FROM dead d JOIN events e ON e.position = d.position"
            f" JOIN generations g ON g.id = d.generation_id WHERE g.kind = 'live' {condition}"
        )
        return self._chance.choice(rows) if rows else None

    def _events(self) -> list[tuple[int, tuple[str, str]]]:
        return [
            (row[0], (row[1], row[2])) for row in self._project.rows("SELECT position, id, body FROM events")
        ]
