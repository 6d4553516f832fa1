"""What a cycle is fitted out with: the files and the committed rows that its processors may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from ingest.archive import Archive
from ingest.archive.extracts import bytes_of
from ingest.domain.events import Event
from ingest.store import booking
from ingest.store.engine import Store
from ingest.work.context import Surroundings
from ingest.work.cycle import Cycle
from ingest.work.shelf import Shelf
from ingest.work.stage import Stage
from ingest.work.trade import Trades


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Whose cycle it is, and when it is to end."""

    worker: str
    child: int
    limit: int | None = None
    is_stopping: Callable[[], bool] = lambda: False


def fit_out(store: Store, archive: Archive, trades: Trades, *, stage: Stage, assignment: Assignment) -> Cycle:
    """A cycle that works `trades` on this store and archive."""
    shelf = Shelf(archive)

    def fetch(sha256: str, event: Event) -> BinaryIO:
        with stage.keeper.paused():
            file = shelf.open(sha256)
        with stage.keeper.connecting():
            return bytes_of(store, event, file)

    def around(name: str, flush: Callable[[], None]) -> Surroundings:
        def read(table: Any, equal: dict[str, Any]) -> list[dict[str, Any]]:
            with stage.keeper.paused():
                flush()
            with stage.keeper.connecting(), store.read() as tx:
                return booking.select_rows(tx, table, equal)

        return Surroundings(
            processor=name, options=trades[name].spec.options, open=fetch, select=read, clock=store.now
        )

    return Cycle(
        store=store,
        trades=trades,
        around=around,
        expect=shelf.expect,
        stage=stage,
        worker=assignment.worker,
        child=assignment.child,
        is_stopping=assignment.is_stopping,
        limit=assignment.limit,
    )
