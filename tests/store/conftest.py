from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.store.engine import Store
from tests.store.backends import BACKENDS


@pytest.fixture(params=sorted(BACKENDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of every backend there is."""
    with BACKENDS[request.param](tmp_path) as opened:
        yield opened
