"""Whichever write of a watcher the disk refuses once: what stands in the end is what would stand without.

What was learnt in memory is let go of only once the store has taken it. The
refusal is real: nothing can grow while that one transaction is committed. No
scan comes by itself in time to hide what was forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.config import SourceSettings
from ingest.store.engine import Tx
from ingest.store.sqlite.engine import SqliteStore
from ingest.watch import inbox, loop
from ingest.watch.landing.take import ignore_lease_breaks
from tests.store.backends import only_on
from tests.watch.place import LARGE, Place, full_disk, new_place, until
from tests.watch.test_leaving import names
from tests.watch.test_manifests import line

pytestmark = only_on("sqlite", "the disk that refuses is that of the process itself")

FIRST = 2  # write: the one before lists the watcher, and without it none starts
LAST = 28  # more than one run comes to
SOURCES = ("announced", "listed", "plain")
BYTES = os.urandom(LARGE)
LEFT = f".left.csv.{'0' * 24}.{'0' * 16}.leaving"  # the private name of a file that nobody knows
SETTLED = "SELECT (SELECT count(*) FROM sightings), (SELECT count(*) FROM departures WHERE ended_at > 0)"


class RefusedOnce(SqliteStore):
    """A store of which the disk refuses one write, by its number."""

    refused = 0  # none
    writes = 0

    @contextmanager
    def write(self) -> Iterator[Tx]:
        self.writes += 1
        if self.writes != self.refused:
            with super().write() as tx:
                yield tx
            return
        with full_disk(), super().write() as tx:
            yield tx


@contextmanager
def refusing(root: Path, number: int) -> Iterator[tuple[Place, RefusedOnce]]:
    """Three sources; the disk refuses the write of this number, of none if it is 0."""
    with new_place(root) as place, RefusedOnce(place.store.url, place.store.path) as store:
        store.refused = number
        place.store = store
        announced, listed, plain = (
            SourceSettings(name=name, path=root / name, quiet=timedelta(0), rescan=timedelta(hours=1))
            for name in SOURCES
        )
        sources = (
            replace(announced, complete="marker", after="delete"),
            replace(listed, complete="manifest", after=f"move:{root / 'moved'}"),
            replace(plain, duplicates="suppress", empty="refuse"),
        )
        place.settings = replace(place.settings, sources=sources)
        for source in sources:
            source.path.mkdir()
        yield place, store


def fill(root: Path) -> None:
    """Files that land, leave, wait, are refused, suppressed or blocked, and what announces them."""
    announced, listed, plain = (root / name for name in SOURCES)
    (announced / "a.csv").write_bytes(BYTES)
    (announced / "a.csv.done").touch()
    (announced / "waits.csv").touch()
    (announced / LEFT).touch()
    (listed / "one.csv").write_bytes(b"one")
    (listed / "two.csv").write_bytes(b"two")
    (listed / "all.sha256").write_text(line("one.csv", b"one") + line("two.csv", b"two"))
    (listed / "waits.sha256").write_text(line("never.csv", b""))
    (listed / "faulty.sha256").write_text("no manifest\n")
    (plain / "first.csv").write_bytes(BYTES)
    (plain / "second.csv").write_bytes(BYTES)
    (plain / "empty.csv").touch()
    (plain / "link.csv").symlink_to("first.csv")


def state(place: Place) -> dict[str, list[Any]]:
    """What stands and what lies where, without moments and without the name of this place."""
    queries = {
        "sightings": "source, path, state, reason, version, redelivered FROM sightings",
        "departures": "source, path, replace(outcome, :root, '') FROM departures",
        "landings": "source, path, version, sha256 FROM landings",
        "events": "type, count(*) FROM events GROUP BY type",
        "sources": "name, state, error, landed, redelivered, refused, suppressed FROM sources",
    }
    values = {"departures": {"root": str(place.root)}}
    stands = {
        what: sorted(place.rows(f"SELECT {query}", **values.get(what, {}))) for what, query in queries.items()
    }
    lies = {name: names(place.root / name) for name in ("moved", *SOURCES) if (place.root / name).exists()}
    return stands | lies


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watcher says soon what waits, and hardly waits when the store refuses."""
    ignore_lease_breaks()  # as the main thread of a watcher does
    monkeypatch.setattr(loop, "_BACKOFF", (0.01, 0.01))
    monkeypatch.setattr(inbox, "_TELL_AFTER", 0.05)


@pytest.fixture(scope="module")
def untroubled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What stands where no write is refused."""
    with refusing(tmp_path_factory.mktemp("untroubled"), 0) as (place, store):
        fill(place.root)
        with place.watching():
            until(lambda: place.rows(SETTLED) == [(11, 5)])
        assert store.writes < LAST
        return state(place)


@pytest.mark.parametrize("number", range(FIRST, LAST))
@pytest.mark.usefixtures("hurried")
def test_a_write_that_was_refused_once_leaves_no_trace(
    tmp_path: Path, untroubled: dict[str, list[Any]], number: int
) -> None:
    with refusing(tmp_path, number) as (place, _):
        fill(place.root)

        with place.watching(), suppress(AssertionError):
            until(lambda: state(place) == untroubled)

        assert state(place) == untroubled
