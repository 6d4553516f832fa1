"""One bench a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.store.engine import open_store
from ingest.store.migrate import create_or_upgrade
from ingest.store.presence import Presence
from tests.work.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    url = f"sqlite:///{tmp_path}/ingest.db"
    create_or_upgrade(url)
    with open_store(url) as store, Presence(tmp_path / "workers", "worker") as presence:
        yield Bench(store, presence.path)
