"""Running the demonstration: a real project, watched and worked pass by pass, then replayed whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.archive import Archive
from ingest.config import Settings, load
from ingest.demo import script, truth
from ingest.demo.script import Pass, Script
from ingest.demo.truth import Books, Fate
from ingest.replay import planning
from ingest.replay.planning import Request
from ingest.store import replays, sightings
from ingest.store.engine import Store
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from ingest.store.reading.reports import head_position
from ingest.store.replays import ReplayReport
from ingest.store.selection import Selection
from ingest.watch.once import watch_once
from ingest.work.supervisor import Wanted
from ingest.work.worker import work

_SOURCE = """
[[source]]
name = "{name}"
path = "{path}"
quiet = "100ms"
"""
_PROCESSORS = """
[[processor]]
name = "payments"
use = "processors.payments:payments"

[[processor]]
name = "ledger"
use = "processors.ledger:ledger"
"""


class Stop(Protocol):
    """Asked now and then whether to stop; a second wish means at once."""

    def is_set(self) -> bool:
        """True when the demonstration should stop."""

    def is_urgent(self) -> bool:
        """True when it should stop at once."""

    def fileno(self) -> int:
        """Readable once it is set."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most so many seconds; True when it should stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One pass: what landed or was refused, and what was only delivered again."""

    name: str
    fates: tuple[Fate, ...]
    redelivered: tuple[tuple[str, str], ...]  # source and path


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The end: what stands, what the replay of everything said, and where it is not what it must be."""

    books: Books
    replayed: tuple[ReplayReport, ...]
    wrong: tuple[str, ...]


def run(directory: Path, *, tell: Callable[[Step], None], stop: Stop) -> Result | None:
    """The main job on the sample data, in the empty `directory`; `tell` hears of each pass as it ends.

    None when it was stopped before its end.

    What has become of everything is compared with what the sample data
    promises, before and after a replay of all of it.
    """
    told = script.read()
    settings = _project(directory, told)
    create_or_upgrade(settings.store.url)
    with open_store(settings.store.url) as store:
        archive = Archive(store, settings.store.archive)
        archive.objects.make_directories()
        for each in told.passes:
            step = _step(each, store, archive, settings, stop=stop)
            if stop.is_set():
                return None
            tell(step)
        before = truth.books(store, now=store.now())
        wrong = truth.differences(told.expected, before, truth.fates(store, now=store.now()))
        reports = _replay_all(store, settings, stop=stop)
        after = truth.books(store, now=store.now())
        if stop.is_set():
            return None
    return Result(books=after, replayed=reports, wrong=(*wrong, *_changes(before, after, reports)))


def _project(directory: Path, told: Script) -> Settings:
    for path in told.sources.values():
        (directory / path).mkdir(parents=True)
    text = (
        "version = 1\n"
        + "".join(_SOURCE.format(name=n, path=p) for n, p in told.sources.items())
        + _PROCESSORS
    )
    file = directory / "ingest.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, env={})


def _step(each: Pass, store: Store, archive: Archive, settings: Settings, *, stop: Stop) -> Step:
    with store.read() as tx:
        position = head_position(tx)
    before = _redeliveries(store, settings, each)
    for drop in each.drops:
        drop.put(settings.source(drop.source).path)
    watch_once(store, archive, settings, stop=stop)
    _work(store, settings, stop=stop)
    after = _redeliveries(store, settings, each)
    again = tuple(key for key, count in after.items() if count > before[key])
    return Step(
        name=each.name, fates=tuple(truth.fates(store, after=position, now=store.now())), redelivered=again
    )


def _work(store: Store, settings: Settings, *, stop: Stop) -> None:
    wanted = Wanted(once=True, wait_retries=True, processors_dir=settings.file.parent / "processors")
    work(store, settings, wanted, stop=stop)


def _redeliveries(store: Store, settings: Settings, each: Pass) -> dict[tuple[str, str], int]:
    """How often each of the drops was delivered again so far."""
    with store.read() as tx:
        found = {
            (drop.source, drop.name): sightings.find(
                tx, settings.source(drop.source).name, drop.name.encode()
            )
            for drop in each.drops
        }
    return {key: sighting.redelivered if sighting is not None else 0 for key, sighting in found.items()}


def _replay_all(store: Store, settings: Settings, *, stop: Stop) -> tuple[ReplayReport, ...]:
    request = Request(processors=(), selection=Selection(), reason="demonstration", who="ingest demo")
    _, started = planning.start(store, request, now=store.now())
    _work(store, settings, stop=stop)
    with store.read() as tx:
        return tuple(
            report for each in started if each.replay_id for report in replays.reports(tx, each.replay_id)
        )


def _changes(before: Books, after: Books, reports: Sequence[ReplayReport]) -> list[str]:
    wrong = [] if before == after else ["the replay changed what stands"]
    for report in reports:
        came = f"{report.repaired} repaired, {report.changed} changed"
        if (report.state, report.repaired, report.changed) != ("done", 0, 0):
            wrong.append(f"the replay of {report.processor} is {report.state}: {came}")
    return wrong
