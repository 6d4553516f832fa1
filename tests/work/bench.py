"""One child's cycle, in-process, on a real store: what the tests of working are written with."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from ingest.contract import Processor
from ingest.domain import codec
from ingest.domain.events import Event, FileLanded
from ingest.errors import ArchiveDamaged
from ingest.replay import planning
from ingest.replay.planning import Request
from ingest.store import booking, outbox, replays, subscriptions, workers
from ingest.store.engine import Store
from ingest.store.presence import Board
from ingest.store.replays import ReplayReport
from ingest.store.selection import Selection
from ingest.store.subscriptions import Registration
from ingest.store.tables import ensure
from ingest.work.context import Surroundings
from ingest.work.cycle import Cycle
from ingest.work.spec import ProcessorSpec
from ingest.work.stage import Stage, Unkept
from ingest.work.trade import Trade
from tests.store.stage import fill

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
EVERYTHING = Selection()
SETTINGS = '{"max_attempts": 2, "max_crashes": 2, "backoff_base": 60.0, "backoff_cap": 60.0, "timeout": 60.0}'


def spec(name: str, **changes: Any) -> ProcessorSpec:
    """The rules of a processor; a failed one waits a minute."""
    values: dict[str, Any] = {
        "name": name,
        "use": f"{name}:{name}",
        "version": "1",
        "options": {},
        "on_dead": "park",
        "timeout": 60.0,
        "memory_max": 2**31,
        "max_attempts": 2,
        "max_crashes": 2,
        "backoff_base": 60.0,
        "backoff_cap": 60.0,
        "max_facts": 1000,
        "max_rejects": 0.0,
    }
    return ProcessorSpec(**(values | changes))


@dataclass(slots=True)
class Bench:
    """A store, its processors, and children that work it one turn at a time."""

    store: Store
    lock: Path
    trades: dict[str, Trade] = field(default_factory=dict)
    landed: int = 0
    damaged: bool = False  # what the archive says of any bytes
    opened: int = 0  # how often bytes were asked for

    def add(self, name: str, processor: Processor, **changes: Any) -> None:
        """The processor is subscribed, from now on."""
        trade = Trade.of(spec(name, **changes), processor)
        with self.store.write() as tx:
            ensure(tx, name, processor.owned_tables(name, trade.spec.options))
            wanted = Registration(
                processor=name,
                version="1",
                accepts=processor.accepts,
                settings=SETTINGS,
                on_dead=trade.spec.on_dead,
            )
            subscriptions.register(tx, wanted, now=NOW)
        self.trades[name] = trade

    def land(self, *names: str, key: str = "acme/k") -> list[str]:
        """Files with these names have landed, in order, under one partition key; their event ids."""
        drafts = [self._draft(name, key) for name in names]
        with self.store.write() as tx:
            outbox.append(tx, drafts, now=NOW)
        return [draft.id for draft in drafts]

    def child(self, number: int = 1, worker: str = "worker-1", limit: int | None = None) -> Cycle:
        """A child process's cycle."""
        with self.store.write() as tx:
            if not workers.is_live(tx, worker):
                one = workers.Worker(id=worker, kind="worker", host="here", pid=os.getpid())
                workers.enlist(tx, one, lease=timedelta(days=9999), now=NOW)
        return Cycle(
            store=self.store,
            trades=self.trades,
            around=self._around,
            expect=lambda _digests: None,
            stage=Stage(board=self.board(), slot=number, keeper=Unkept()),
            worker=worker,
            child=number,
            is_stopping=lambda: False,
            limit=limit,
        )

    def board(self) -> Board:
        """The board of the workers here."""
        with self.lock.open("r+b") as file:
            return Board(file.fileno())

    def drain(self, cycle: Cycle | None = None) -> Cycle:
        """Everything that is due has been worked off."""
        cycle = cycle or self.child()
        while cycle.turn():
            pass
        return cycle

    def replay(self, name: str, mode: str = "rerun", selection: Selection = EVERYTHING) -> str:
        """A replay of what is selected is filled; its id."""
        request = Request(processors=(name,), selection=selection, mode=mode, reason="a test")
        _, [started] = planning.start(self.store, request, now=NOW)
        assert started.replay_id is not None
        fill(self.store, now=NOW)
        return started.replay_id

    def report(self, replay_id: str) -> ReplayReport:
        """What came of a replay, which is done when nothing of it is left."""
        with self.store.write() as tx:
            replays.finish(tx, now=NOW)
            [found] = replays.reports(tx, replay_id)
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the query finds."""
        with self.store.read() as tx:
            said = query if tx.dialect.name == "sqlite" else query.replace("%", "%%")
            return [tuple(row) for row in tx.exec_driver_sql(said)]

    def _around(self, name: str, flush: Callable[[], None]) -> Surroundings:
        def read(table: Any, equal: dict[str, Any]) -> list[dict[str, Any]]:
            flush()
            with self.store.read() as tx:
                return booking.select_rows(tx, table, equal)

        return Surroundings(processor=name, options={}, open=self._open, select=read, clock=lambda: NOW)

    def _open(self, sha256: str, _event: Event) -> BinaryIO:
        self.opened += 1
        if self.damaged:
            raise ArchiveDamaged(f"the archived content {sha256} is not what it was")
        return io.BytesIO()

    def _draft(self, name: str, key: str) -> outbox.Draft:
        self.landed += 1
        fact = FileLanded(
            source="acme",
            name=name,
            path=name,
            size=0,
            sha256="0" * 64,
            media_type="text/csv",
            version=1,
            supersedes=None,
            duplicateof=None,
            landed_at=NOW,
            complete="renamed",
            fields={},
            encoding="utf-8",
            content="archive:sha256:" + "0" * 64,
        )
        event = codec.new_event(
            fact, id=f"id-{self.landed}", source="/ingest/acme", subject=name, time=NOW, partitionkey=key
        )
        return outbox.draft(event, origin="acme", content="0" * 64)


def _nothing(_sha256: str) -> Any:
    raise FileNotFoundError


def states(bench: Bench) -> Sequence[tuple[Any, ...]]:
    """The id and state of every outcome, in the order of the log."""
    return bench.rows("SELECT e.id, o.state FROM outcomes o JOIN events e USING (position) ORDER BY position")
