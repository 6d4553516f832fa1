"""A supervisor looks seldom while nothing happens, and at once when something does."""

from __future__ import annotations

import resource
import select
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ingest.store.engine import Changes, Store
from ingest.work.pace import SELDOM, TICK, Pace
from tests.patience import PATIENCE
from tests.store.backends import sqlite
from tests.store.stage import land


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with sqlite(tmp_path) as opened:
        yield opened


@pytest.fixture
def changes(store: Store) -> Iterator[Changes]:
    with closing(store.changes()) as changes:
        yield changes


def settled(pace: Pace) -> None:
    """Nothing has happened for as long as a hint is doubted."""
    until = time.monotonic() + PATIENCE
    while pace.has_moved() or not pace.prompts():
        assert time.monotonic() < until
        select.select([], [], [], pace.pause())


def test_while_nothing_happens_looks_are_seldom_and_a_commit_prompts_the_next(
    store: Store, changes: Changes
) -> None:
    pace = Pace(changes)
    settled(pace)
    quiet = pace.pause()

    land(store, "1")
    prompted, _, _ = select.select(pace.prompts(), [], [], PATIENCE)

    assert (quiet, len(prompted), pace.has_moved()) == (SELDOM, 1, True)
    assert (pace.pause(), pace.prompts()) == (TICK, ())


def test_a_busy_store_prompts_nobody_and_is_looked_at_tick_by_tick(store: Store, changes: Changes) -> None:
    pace = Pace(changes)
    settled(pace)

    paces = []
    for number in range(3):
        land(store, str(number))
        paces.append((pace.has_moved(), pace.pause(), pace.prompts()))

    assert paces == [(True, TICK, ())] * 3


def test_what_was_written_and_cannot_be_seen_yet_is_looked_for_at_once_and_then_less_often(
    store: Store, changes: Changes
) -> None:
    land(store, "1")
    pace = Pace(changes)
    settled(pace)

    with Path(f"{store.path}-wal").open("r+b") as log:
        first = log.read(1)
        log.seek(0)
        log.write(first)  # as a commit does whose sync takes long
    found = [(pace.has_moved(), pace.pause()) for _ in range(8)]

    assert found == [(False, min(0.001 * 2**number, TICK)) for number in range(8)]
    assert pace.prompts() == ()


def test_a_hint_that_comes_while_the_next_is_asked_for_is_not_lost(store: Store, changes: Changes) -> None:
    changes.expect()
    changes.take_hint()

    land(store, "1")  # after it was asked what had been said, and before the next is asked for
    handle = changes.expect()

    assert select.select([handle], [], [], 0)[0] == [handle]


@contextmanager
def no_more_handles() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_where_the_system_gives_no_hints_every_tick_is_a_look(store: Store, changes: Changes) -> None:
    changes.has_moved()
    with no_more_handles():
        handle = changes.expect()
    pace = Pace(changes)
    pace.has_moved()

    land(store, "1")

    assert handle == -1
    assert (pace.pause(), pace.prompts(), pace.has_moved()) == (TICK, (), True)
