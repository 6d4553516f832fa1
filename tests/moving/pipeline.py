"""A pipeline in the middle of everything, in a SQLite file, and what can be said of it wherever it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import insert

from ingest import Context, FileLanded, PermanentError, call, fact, processor, table
from ingest.store import replays, workers
from ingest.store.engine import Store
from ingest.store.opening import connected, open_store
from ingest.store.presence import Presence
from ingest.store.schema import contents
from tests import server
from tests.store.backends import sqlite
from tests.work.bench import NOW, Bench

BOOKED = table("booked", name=str, amount=int, note=str | None, unique="name")
CALLED = table("called", name=str)


class Outside:
    """What receivers saw, and whether they and the disk of `books` are well."""

    seen: ClassVar[list[tuple[str, Any]]] = []
    is_well = True
    note: str | None = None


@fact("tests.thing.booked", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class ThingBooked:
    """A thing was booked."""

    name: str


@call(repeatable=True)
def post(request: Any, *, key: str, options: Mapping[str, Any]) -> Any:
    if request["n"] == 2 and not Outside.is_well:
        raise ConnectionError("the receiver is away")
    Outside.seen.append((key, request))
    return {"n": request["n"]}


@processor(accepts=FileLanded, version="1", tables=[BOOKED])
def books(event: FileLanded, ctx: Context) -> None:
    """Books a row and states it; refuses a bad file, and cannot take some while things are not well."""
    if event.name.startswith("bad"):
        raise PermanentError("a bad file")
    if event.name.startswith("flaky") and not Outside.is_well:
        raise ValueError("not now")
    ctx.insert(BOOKED, {"name": event.name, "amount": 2**62, "note": Outside.note})
    ctx.emit(ThingBooked(name=event.name), key=event.name, name=event.name)
    if event.name.startswith("part"):
        ctx.reject(rule="required", line=2, column="ä\t", raw="x\\y\t\0é")


@processor(accepts=FileLanded, version="1", tables=[CALLED])
def caller(event: FileLanded, ctx: Context) -> None:
    """Makes two calls; the second fails while the receiver is away."""
    ctx.insert(CALLED, {"name": event.name})
    ctx.once("first", post, {"file": event.name, "n": 1})
    ctx.once("second", post, {"file": event.name, "n": 2})


@contextmanager
def bench_at(store: Store, folder: Path) -> Iterator[Bench]:
    """The processors of this pipeline at work on `store`."""
    with store, Presence(folder / "workers", "worker") as me:
        bench = Bench(store, me.path)
        bench.add("books", books, max_rejects=1.0)
        bench.add("caller", caller)
        yield bench


def in_the_middle(folder: Path) -> Path:
    """A file in which deliveries are done, waiting, retrying, dead, parked and half called, and replays open.

    Nobody lives who worked in it.
    """
    folder.mkdir()
    Outside.is_well, Outside.note = False, None
    Outside.seen.clear()
    with bench_at(sqlite(folder), folder) as bench:
        keep_content(bench.store)
        bench.land("one", "part", key="acme/a")
        bench.land("bad", "behind the dead", key="acme/b")
        bench.land("flaky", "behind the flaky", key="acme/c")
        bench.drain()
        Outside.note = "as it would be now"
        half = bench.replay("books", "shadow")
        bench.child(limit=1).turn()
        with bench.store.write() as tx:
            replays.pause(tx, half)
        bench.replay("books")
        bench.land("late", key="acme/a")
        bench.land("new key", key="acme/d")
        retire(bench)
        return bench.store.path


def keep_content(store: Store) -> None:
    """The archive knows the content of the files of a bench."""
    of_first = {"source": "acme", "path": b"\xff\0\n", "version": 1}
    with store.write() as tx:
        tx.execute(insert(contents), {"sha256": "0" * 64, "size": 4, "bytes": b"\0\\N\n", **of_first})


def retire(bench: Bench) -> None:
    """The worker of the bench has stopped by itself."""
    with bench.store.write() as tx:
        workers.retire(tx, "worker-1", now=NOW)


def twin(path: Path, folder: Path) -> Path:
    """The same pipeline in another file."""
    folder.mkdir()
    return Path(shutil.copy(path, folder / path.name))


@contextmanager
def database(folder: Path) -> Iterator[Store]:
    """A new, empty database on a server."""
    with server.database() as name, connected(server.url(name), folder) as store:
        yield store


def opened(path: Path) -> Store:
    """The store in a file."""
    return open_store(f"sqlite:///{path}")


def to_the_end(bench: Bench) -> list[tuple[str, Any]]:
    """Everything that can be done was, now that all is well; what receivers saw meanwhile, in any order."""
    Outside.is_well = True
    Outside.seen.clear()
    with bench.store.write() as tx:
        tx.exec_driver_sql("UPDATE lanes SET available_at = 0 WHERE state = 'ready'")
        for one in replays.reports(tx):
            if one.state == "paused":
                replays.resume(tx, one.id)
    bench.drain(bench.child(worker="worker-2"))
    with bench.store.write() as tx:
        replays.finish(tx, now=NOW)
    return sorted(Outside.seen, key=str)


_SAID = (
    "SELECT id, type, key, keyseq, cause, producer, body FROM events",
    "SELECT key, keyseq FROM event_keys",
    "SELECT * FROM contents",
    """SELECT e.id, g.id, g.kind, o.state, o.rows_in, o.rows_booked, o.rows_duplicate, o.rows_rejected,
         o.facts, o.digest, o.verdict, o.n
       FROM outcomes o JOIN events e USING (position) JOIN generations g ON g.id = o.generation_id""",
    "SELECT * FROM outcome_totals",
    "SELECT e.id, generation_id, n, ended, error FROM attempts JOIN events e USING (position)",
    """SELECT e.id, generation_id, lane_key, d.keyseq, attempts, error
       FROM dead d JOIN events e USING (position)""",
    """SELECT g.kind, l.key, l.state, d.keyseq, e.id, d.attempts, d.crashes, d.error
       FROM lanes l JOIN generations g ON g.id = l.generation_id LEFT JOIN deliveries d ON d.lane_id = l.id
       LEFT JOIN events e ON e.position = d.position""",
    "SELECT key, name FROM effects",
    "SELECT key, name, n, request, result FROM calls",
    "SELECT e.id, version, digest FROM calling JOIN events e USING (position)",
    "SELECT id, mode, state, total, bound, selector FROM replays",
    "SELECT generation_id, e.id, stood, found FROM differences JOIN events e USING (position)",
    "SELECT * FROM difference_totals",
    'SELECT event_id, processor, line, "column", rule, raw FROM rejects',
    "SELECT name, amount, note, event_id FROM booked",
    "SELECT name, event_id FROM called",
)


def said_of(bench: Bench, *, but_for: Callable[[str], bool] = lambda _: False) -> dict[str, list[Any]]:
    """All that can be told of a pipeline but when it was, and by whom; by the question."""
    return {query: sorted(map(str, map(tuple, bench.rows(query)))) for query in _SAID if not but_for(query)}
