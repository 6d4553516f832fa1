"""One bench a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.store.presence import Presence
from tests.store.backends import sqlite
from tests.work.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with sqlite(tmp_path) as store, Presence(tmp_path / "workers", "worker") as presence:
        yield Bench(store, presence.path)
