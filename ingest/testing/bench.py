"""A bench: a real store, a real folder that files land in, and the real engine, all in one directory.

Deliveries are worked off in the process of the test, so a debugger and a
coverage measurement see the processor. Only a crash is made in a process of
its own, which is killed.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ingest.archive import Archive
from ingest.config import load
from ingest.contract import Processor, Table
from ingest.domain import codec, naming
from ingest.domain.facts import type_of
from ingest.domain.keys import partition_key
from ingest.replay import planning
from ingest.store import outbox, replays
from ingest.store.engine import Store
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from ingest.store.selection import Selection
from ingest.testing import seen
from ingest.testing.crashing import POINTS, Point, die_at
from ingest.testing.engine import know, work_off
from ingest.testing.seen import Call, Refusal, Standing, Verdict
from ingest.testing.settings import written
from ingest.watch.once import watch_once

_SOURCE = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """Something that was put on the bench: a file's bytes under its name, or a fact."""

    name: str
    data: bytes = b""
    fact: Any = None
    key: str = ""


def _named(processors: Sequence[Processor]) -> dict[str, Processor]:
    """Each under the name that it has on a bench: that of its function."""
    return {each.function.__name__: each for each in processors}


class Bench:
    """Some processors, what was given to them, and what came of it.

    `directory` need not exist. `settings` are those of `[[processor]]` in
    ingest.toml, as they are written there, and hold for every processor.
    """

    def __init__(self, directory: Path, processors: Sequence[Processor], settings: dict[str, Any]) -> None:
        self._directory, self._settings_given = directory, settings
        self._processors = _named(processors)
        self._given: list[_Given] = []
        self._inbox = directory / _SOURCE
        self._inbox.mkdir(parents=True)
        file = directory / "ingest.toml"
        file.write_text(written(_SOURCE, list(self._processors), settings), encoding="utf-8")
        self._settings = load(file, env={})
        create_or_upgrade(self._settings.store.url)
        with self._open() as store:
            Archive(store, self._settings.store.archive).objects.make_directories()
            know(store, self._settings, self._processors)

    def land(self, name: str, data: bytes | str) -> None:
        """A file has landed; the same name again with other bytes is its next version."""
        self._give(_Given(name=name, data=data.encode() if isinstance(data, str) else data))

    def emit(self, fact: object, *, key: str, name: str) -> None:
        """A fact stands, as if another processor had emitted it."""
        self._give(_Given(name=name, fact=fact, key=key))

    def work(self) -> None:
        """Everything that is due was worked off, retries included: it is done, or dead."""
        with self._open() as store:
            work_off(store, self._settings, self._processors)

    def crash(self, at: Point = "ran") -> None:
        """A worker was killed when a processor had `ran`, while `committing`, or once `committed`.

        What it left is taken up at the next `work`. Raises `AssertionError` where nothing was due.
        """
        die_at(at, list(self._processors.values()), self.work)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """The rows of a table, as its declared types."""
        with self._open() as store, store.read() as tx:
            return seen.rows(tx, table)

    def facts(self, cls: type | None = None) -> list[Any]:
        """The facts that the processors here emitted, in order: all, or those of one class."""
        with self._open() as store, store.read() as tx:
            found = seen.emitted(tx, list(self._processors))
        # By its type: a class that was imported anew is another class, and the same fact.
        return [fact for fact in found if cls is None or fact.type == type_of(cls)]

    def refusals(self) -> list[Refusal]:
        """The rows of inputs that were refused, in order."""
        with self._open() as store:
            return seen.refusals(store)

    def calls(self) -> list[Call]:
        """The calls to the outside that were registered, in order."""
        with self._open() as store, store.read() as tx:
            return seen.calls(tx)

    def verdicts(self) -> list[Verdict]:
        """How each delivery stands, in the order of events."""
        with self._open() as store, store.read() as tx:
            return seen.verdicts(tx)

    def verdict(self) -> Verdict:
        """How the newest event stands with the first processor."""
        first = next(iter(self._processors))
        return [verdict for verdict in self.verdicts() if verdict.processor == first][-1]

    def shadow(self, *instead: Processor) -> dict[str, Any]:
        """What would change if everything were run again; nothing of it is applied.

        `instead` stand in for those of the same name: another version, for
        instance. The keys are those of `differences` in `ingest replays show --json`.
        """
        self.work()
        ids = self._start_replay("shadow")
        with self._open() as store:
            work_off(store, self._settings, {**self._processors, **_named(instead)})
        with self._open() as store, store.read() as tx:
            return seen.differences(tx, ids)

    def standing(self) -> Standing:
        """Everything that was brought about, to be compared with that of another bench."""
        owned = [
            table
            for each in self._settings.processors
            for table in self._processors[each.name].owned_tables(each.name, each.options)
        ]
        with self._open() as store:
            return seen.standing(store, list(self._processors), owned)

    def assert_idempotent(self) -> None:
        """Whatever happens twice, or half, what stands is the same.

        Everything that was given is given again, replayed, and worked on
        benches beside this one with a crash at each point. Made for processors
        whose files all end as done.
        """
        self.work()
        before = self.standing()
        for given in {each.name: each for each in self._given}.values():  # what stands, not what it replaced
            self._put(given)
        self.work()
        assert self.standing() == before, "given again, it is not what it was"  # noqa: S101  # made for tests
        self.assert_replay_changes_nothing()
        for point in POINTS:
            other = self._another(f"killed-{point}", self._given, after_all=partial(Bench.crash, at=point))
            assert other.standing() == before, f"killed when {point}, it comes to something else"  # noqa: S101

    def assert_order_does_not_matter(self) -> None:
        """Worked off one by one, in this order and in the opposite one, all comes to the same.

        Made for keys that are independent: what a later version replaced stays replaced.
        """
        forwards = self._another("forwards", self._given, after_each=Bench.work)
        backwards = self._another("backwards", self._given[::-1], after_each=Bench.work)
        assert backwards.standing() == forwards.standing(), "in the opposite order it comes to something else"  # noqa: S101

    def assert_replay_changes_nothing(self) -> None:
        """All of it was run again by the present code, and every result was what stands."""
        before = self.standing()
        ids = self._start_replay("rerun")
        self.work()
        with self._open() as store, store.read() as tx:
            reports = [report for id_ in ids for report in replays.reports(tx, id_)]
        for one in reports:
            came = f"{one.repaired} repaired, {one.changed} changed, {one.dead} dead"
            assert one.unchanged == one.total, f"a replay of {one.processor} finds {came}"  # noqa: S101
        assert self.standing() == before, "replayed, it is not what it was"  # noqa: S101

    def _start_replay(self, mode: str) -> list[str]:
        """The ids of the replays by which everything is due again."""
        request = planning.Request(
            processors=(), selection=Selection(), mode=mode, reason="the bench", who="ingest.testing"
        )
        with self._open() as store:
            _, started = planning.start(store, request, now=store.now())
        return [each.replay_id for each in started if each.replay_id is not None]

    def _another(
        self,
        name: str,
        given: Sequence[_Given],
        *,
        after_each: Callable[[Bench], None] | None = None,
        after_all: Callable[[Bench], None] | None = None,
    ) -> Bench:
        """A bench beside this one that was given this, and worked to its end."""
        directory = self._directory / f"{name}-{len(list(self._directory.iterdir()))}"
        other = Bench(directory, list(self._processors.values()), self._settings_given)
        for each in given:
            other._give(each)  # one of its kind
            if after_each is not None:
                after_each(other)
        if after_all is not None:
            after_all(other)
        other.work()
        return other

    def _give(self, given: _Given) -> None:
        self._put(given)
        self._given.append(given)

    def _put(self, given: _Given) -> None:
        if given.fact is None:
            self._land(given)
        else:
            self._append(given)

    def _land(self, given: _Given) -> None:
        part = self._inbox / f".{given.name}.part"
        part.write_bytes(given.data)
        part.rename(self._inbox / given.name)
        with self._open() as store:
            archive = Archive(store, self._settings.store.archive)
            watch_once(store, archive, self._settings, stop=threading.Event())

    def _append(self, given: _Given) -> None:
        identity = hashlib.sha256(repr((type(given.fact), given.key, given.name)).encode()).hexdigest()
        with self._open() as store:
            now = store.now()
            event = codec.new_event(
                given.fact,
                id=identity,
                source=f"/ingest/{_SOURCE}",
                subject=naming.encode_attribute(given.name),
                time=now,
                partitionkey=partition_key(given.key),
            )
            with store.write() as tx:
                outbox.append(tx, [outbox.draft(event, origin=_SOURCE)], now=now)

    @contextmanager
    def _open(self) -> Iterator[Store]:
        with open_store(self._settings.store.url) as store:
            yield store
