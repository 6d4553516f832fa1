from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive.places import PLACES, Behind
from tests.watch.place import Place, new_place


@pytest.fixture(params=PLACES)
def behind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Behind]:
    """Where the objects are: each test runs once for every place that can hold them."""
    with PLACES[request.param](tmp_path / ".ingest" / "archive") as made:
        yield made


@pytest.fixture
def place(tmp_path: Path, behind: Behind) -> Iterator[Place]:
    """A pipeline with one source."""
    with new_place(tmp_path, archive=behind.location) as made:
        yield made
