from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.watch.place import Place, new_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A pipeline with one source."""
    with new_place(tmp_path) as made:
        yield made
