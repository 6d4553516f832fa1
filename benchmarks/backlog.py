"""A store of the product, in this process, with deliveries that wait in it, and a worker that takes them.

It is filled through the outbox and claimed from through the lanes, as the
product does it; only the watcher and the processes around a worker are left out.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from ingest import FileLanded
from ingest.domain.codec import new_event
from ingest.store import deliveries, held, lanes, migrate, outbox, subscriptions, workers
from ingest.store.deliveries import Outcome
from ingest.store.engine import Store, Tx
from ingest.store.held import Held
from ingest.store.lanes import Lane
from ingest.store.opening import open_store

_WORKER = "bench"
_PROCESSOR = "nothing"
_LEASE = timedelta(hours=1)  # no benchmark outlives it, so nothing need beat
_BATCH = 5_000  # events appended in one transaction


@dataclass(slots=True)
class Backlog:
    """A store whose one processor has deliveries due, each in a lane of its own unless said."""

    store: Store
    generation_id: int
    _appended: int = field(default=0, init=False)

    def append(self, count: int, *, key: str | None = None) -> None:
        """`count` more deliveries wait, all of them behind `key` where it is given."""
        for start in range(0, count, _BATCH):
            first, size = self._appended, min(_BATCH, count - start)
            drafts = [_draft(number, key) for number in range(first, first + size)]
            with self.store.write() as tx:
                outbox.append(tx, drafts, now=_now())
            self._appended += size

    def due(self, tx: Tx) -> bool:
        """Ask what every claim asks first: whether we count as alive, and whether anything is due."""
        return workers.is_live(tx, _WORKER) and bool(lanes.due(tx, processors=[_PROCESSOR], now=_now()).now)

    def claim(self, tx: Tx, budget: int) -> list[Held]:
        """Lease up to `budget` lanes and give the deliveries started in them."""
        claimed = self._lease(tx, budget, child=0)
        return held.fetch(tx, claimed) if claimed else []

    def release(self) -> None:
        """Every lane leased by `claim` is ready again, behind those that wait."""
        with self.store.write() as tx:
            lanes.release(tx, _WORKER, 0, now=_now())

    def lease_first(self) -> None:
        """The lane that waits longest is leased, and stays so: another child is at work in it."""
        with self.store.write() as tx:
            self._lease(tx, 1, child=1)

    def park_first(self, count: int) -> None:
        """The `count` lanes that wait longest are parked, as after a dead delivery in each."""
        with self.store.write() as tx:
            for lane in self._lease(tx, count, child=1):
                lanes.park(tx, lane.id)

    def work_off(self, *, hold: int, a_commit: int) -> int:
        """Every delivery is done; gives how many: `hold` claimed at once, `a_commit` completed in a commit.

        The next claim is part of the commit that completes the last of a hold.
        """
        done, waiting = 0, self._start(hold)
        while waiting:
            batch, waiting = waiting[:a_commit], waiting[a_commit:]
            with self.store.write() as tx:
                _complete(tx, batch)
                if not waiting and self.due(tx):
                    waiting = self.claim(tx, hold)
            done += len(batch)
        return done

    def _start(self, hold: int) -> list[Held]:
        with self.store.write() as tx:
            return self.claim(tx, hold)

    def _lease(self, tx: Tx, budget: int, *, child: int) -> list[Lane]:
        return lanes.claim(tx, self.generation_id, worker=_WORKER, child=child, budget=budget, now=_now())


@contextmanager
def new_backlog(path: Path) -> Iterator[Backlog]:
    """A backlog in a new SQLite file."""
    with new_backlog_at(f"sqlite:///{path}", path.parent) as backlog:
        yield backlog


@contextmanager
def new_backlog_at(url: str, local: Path) -> Iterator[Backlog]:
    """An empty store with one processor subscribed to every file, and one worker enlisted."""
    migrate.create_or_upgrade(url, local)
    wanted = subscriptions.Registration(processor=_PROCESSOR, version="1", accepts=(FileLanded.type,))
    worker = workers.Worker(id=_WORKER, kind="worker", host="here", pid=0)
    with open_store(url, local) as store:
        with store.write() as tx:
            subscriptions.register(tx, wanted, now=_now())
            workers.enlist(tx, worker, lease=_LEASE, now=_now())
            generation_id = subscriptions.find(tx, _PROCESSOR).generation_id
        yield Backlog(store, generation_id)


def _complete(tx: Tx, batch: Sequence[Held]) -> None:
    """The fence is proved, the outcomes stand, the lanes are left; none of them holds a second delivery."""
    mine, now = [delivery.lane for delivery in batch], _now()
    lanes.prove(tx, mine)
    outcomes = [Outcome(held=delivery, started_at=now, version="1") for delivery in batch]
    deliveries.complete(tx, outcomes, worker=_WORKER, now=now)
    lanes.leave(tx, mine, now=now)


def _draft(number: int, key: str | None) -> outbox.Draft:
    name = f"settlement-{number:07d}.csv"
    digest = sha256(name.encode()).hexdigest()
    now = _now()
    landed = FileLanded(
        source="bench",
        name=name,
        path=name,
        size=2048,
        sha256=digest,
        media_type="text/csv",
        version=1,
        supersedes=None,
        duplicateof=None,
        landed_at=now,
        complete="renamed",
        fields={},
        encoding="utf-8",
        content=f"archive:sha256:{digest}",
    )
    event = new_event(
        landed,
        id=digest,
        source="/ingest/bench",
        subject=name,
        time=now,
        partitionkey=f"bench/{name if key is None else key}",
    )
    return outbox.draft(event, origin="bench", content=digest)


def _now() -> datetime:
    return datetime.now(UTC)
