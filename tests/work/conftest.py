"""One bench a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ingest.store.presence import Presence
from tests.store.backends import sqlite
from tests.work.bench import Bench


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[Callable[[str], Bench]]:
    """Makes a bench by its name."""
    with ExitStack() as stack:

        def bench(name: str) -> Bench:
            folder = tmp_path / name
            folder.mkdir()
            store = stack.enter_context(sqlite(folder))
            return Bench(store, stack.enter_context(Presence(folder / "workers", "worker")).path)

        yield bench


@pytest.fixture
def bench(benches: Callable[[str], Bench]) -> Bench:
    return benches("bench")
