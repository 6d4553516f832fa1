from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.store.engine import Store
from tests.store.backends import BACKENDS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test meets every backend, but for the modules whose name says which one they are about."""
    if "store" in metafunc.fixturenames:
        of_one = [name for name in BACKENDS if metafunc.module.__name__.endswith(f"_{name}")]
        metafunc.parametrize("store", of_one or sorted(BACKENDS), indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of a backend."""
    with BACKENDS[request.param](tmp_path) as opened:
        yield opened
