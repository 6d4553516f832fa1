"""The files of one source that have landed leave it: at once, or as soon as what stands in the way is gone.

A departure is owed from the landing's commit on. It is tried right after it;
what failed, or what a watcher that died had in hand, is tried again by
`catch_up`, and files that are met under their private names by `recover`.
Several watchers may do all of it at the same time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ingest.domain.settling import Reading
from ingest.domain.showing import show
from ingest.store import departures
from ingest.store.departures import GONE, Departed, Departure, Failed, Owed, ticket_of
from ingest.store.sightings import Look
from ingest.watch.announced.announcing import Announcer
from ingest.watch.condition import Condition
from ingest.watch.leaving.departing import Later, Result, Stray, Way, depart, finish
from ingest.watch.leaving.exits import Kept, exit_of
from ingest.watch.leaving.patience import Patience
from ingest.watch.leaving.tasks import Task, do, name_of, tasks_of
from ingest.watch.names import ticket_in
from ingest.watch.seeing.root import Root
from ingest.watch.settling import Settling
from ingest.watch.watcher import Watcher


class Leaving:
    """Does what `after` says with the files of one source."""

    def __init__(
        self,
        watcher: Watcher,
        root: Root,
        settling: Settling,
        condition: Condition,
        announcer: Announcer | None = None,
    ) -> None:
        self.leases = False  # writers are to be detected
        self._watcher = watcher
        self._source = condition.source.name
        self._exit = exit_of(condition.source.after)
        self._root = root
        self._settling = settling
        self._condition = condition
        self._announcer = announcer
        self._patience = Patience()
        self._unsaid: dict[str, Departed] = {}  # by ticket: what has left, and the store does not know yet

    @property
    def due_at(self) -> float | None:
        """The monotonic moment at which what is owed is gone through, None when nothing is."""
        return self._patience.due_at

    def look_again(self, now: float) -> None:
        """Whatever is owed is gone through from `now` on: something may be that nobody remembers."""
        self._patience.at_once(now)

    def after_landing(self, looks: Sequence[Look]) -> None:
        """The files of `looks`, which have landed, have left as far as they are to."""
        tickets = [ticket_of(self._source, look) for look in looks]
        with self._watcher.store.read() as tx:
            owed = [departure for departure in departures.find(tx, tickets) if departure.is_due]
        self._work_off([Task(departure) for departure in sorted(owed, key=lambda departure: departure.path)])

    def send_off(self, looks: Sequence[Look]) -> None:
        """The manifests at `looks` have left, or will as soon as all they spoke of has."""
        if not looks:
            return
        with self._watcher.store.write() as tx:
            departures.owe(
                tx, self._source, [Owed(look, "") for look in looks], now=self._watcher.clock.now()
            )
        self.after_landing(looks)

    def revive(self, looks: Sequence[Look]) -> None:
        """Those of `looks` that are there again although they were gone when they should leave, leave now."""
        with self._watcher.store.read() as tx:
            known = departures.find(tx, [ticket_of(self._source, look) for look in looks])
        gone = [departure.ticket for departure in known if departure.outcome == GONE]
        if gone:
            with self._watcher.store.write() as tx:
                departures.revive(tx, gone)
            self.after_landing(looks)

    def catch_up(self, now: Reading) -> bool:
        """Some of what is owed, and due, has left; True when there is more to do at once."""
        patience = self._patience
        if not patience.is_due(now.monotonic):
            return False
        with self._watcher.store.read() as tx:
            page = departures.due(tx, self._source, patience.after)
        if not page:
            if patience.end_round(now.monotonic):
                self._condition.clear("departures")
            return False
        stuck_at = self._work_off(tasks_of(self._root, page))
        patience.after = stuck_at or page[-1].path
        if stuck_at is not None:
            patience.put_off(now.monotonic)
        return stuck_at is None

    def recover(self, looks: Sequence[Look], now: Reading) -> tuple[list[Stray], list[Look]]:
        """Files under private names have left, or have their own again.

        Returns those that can do neither, and those of which nothing is known.
        """
        if not looks or self._patience.is_waiting(now.monotonic):
            return [], []
        by_ticket: dict[str, list[Look]] = defaultdict(list)
        for look in looks:
            by_ticket[ticket_in(name_of(look.path)) or ""].append(look)
        with self._watcher.store.read() as tx:
            known = departures.find(tx, list(by_ticket))
        tasks = [
            Task(departure, name_of(look.path))
            for departure in sorted(known, key=lambda departure: departure.path)
            for look in by_ticket.pop(departure.ticket)
        ]
        results = self._do(tasks)
        self._note(tasks, results)
        unknown = [look for looks in by_ticket.values() for look in looks]
        return [result for result in results if isinstance(result, Stray)], unknown

    def adopt(self, stray: Stray, look: Look) -> None:
        """The stray, which has landed as `look`, has left as far as it is to."""
        with self._watcher.store.read() as tx:
            owed = departures.find(tx, [ticket_of(self._source, look)])
        tasks = [Task(departure, name_of(stray.private)) for departure in owed]
        self._note(tasks, self._do(tasks))

    def _do(self, tasks: Sequence[Task]) -> list[Result]:
        """What came of `tasks`, which are sorted by path; those after too many failures are not tried."""
        way = Way(
            exit=self._exit,
            database=self._watcher.store.path,
            leases=self.leases,
            is_mounted=self._root.is_mounted,
            up_since=self._watcher.clock.up_since(),
            local_device=self._settling.local_device,
        )
        return do(self._root, tasks, way, self._came_of)

    def _came_of(self, handle: int, task: Task, way: Way) -> Result:
        """What came of one file, or comes of it now."""
        departure, private = task
        if departure.ticket in self._unsaid:
            return self._unsaid[departure.ticket]
        if private:
            return finish(handle, private, departure, way)
        return Later(departure.ticket) if self._is_held_back(departure) else depart(handle, departure, way)

    def _work_off(self, tasks: Sequence[Task]) -> bytes | None:
        """What can be done of `tasks`, sorted by path, is done and noted: files, then what spoke of them.

        Returns the path at which too many had failed to go on, if so.
        """
        for is_announcer in (False, True):
            part = [task for task in tasks if task.departure.is_announcer is is_announcer]
            results = self._do(part)
            self._note(part, results)
            if len(results) < len(part):
                return part[len(results) - 1].departure.path
        return None

    def _is_held_back(self, departure: Departure) -> bool:
        """True of a marker or a manifest while something it spoke of has not left."""
        if self._announcer is None or not departure.is_announcer or isinstance(self._exit, Kept):
            return False
        files = self._announcer.spoken_of(departure.path)
        if any(self._root.look(path) is not None for path in files):
            return True
        with self._watcher.store.read() as tx:  # one of them may lie under a private name
            return departures.is_any_due(tx, self._source, list(files))

    def _note(self, tasks: Sequence[Task], results: Sequence[Result]) -> None:
        """The store knows what came of `tasks`, and so does whoever looks at the status."""
        ended = [result for result in results if isinstance(result, Departed)]
        failed = [result for result in results if isinstance(result, Failed)]
        ended += [
            Departed(task.departure.ticket, "replaced")
            for task, result in zip(tasks, results, strict=False)
            if isinstance(result, Stray)
        ]
        if not results:
            return
        self._unsaid |= {one.ticket: one for one in ended if one.outcome != GONE}
        with self._watcher.store.write() as tx:
            departures.end(tx, ended, now=self._watcher.clock.now())
            departures.fail(tx, failed)
        for one in ended:
            self._unsaid.pop(one.ticket, None)
        now = self._watcher.clock.read().monotonic
        if any(isinstance(result, Later) for result in results):
            self._patience.postpone(now)
        if not failed:
            return
        self._patience.fail(now)
        first = next(task for task, result in zip(tasks, results, strict=False) if isinstance(result, Failed))
        self._condition.complain(
            "departures",
            f"files that have landed cannot leave, as {show(first.departure.path)}: {failed[0].error}",
        )
