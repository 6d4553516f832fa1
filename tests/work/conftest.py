"""One bench a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ingest.store.presence import Presence
from tests.store.backends import BACKENDS
from tests.work.bench import Bench


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test meets every backend, but for modules whose name says which one, and tests that say it."""
    says_which = any("benches" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "benches" in metafunc.fixturenames and not says_which:
        of_one = [name for name in BACKENDS if metafunc.module.__name__.endswith(f"_{name}")]
        metafunc.parametrize("benches", of_one or sorted(BACKENDS), indirect=True)


@pytest.fixture
def benches(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Bench]]:
    """Makes a bench by its name."""
    with ExitStack() as stack:

        def bench(name: str) -> Bench:
            folder = tmp_path / name
            folder.mkdir()
            store = stack.enter_context(BACKENDS[request.param](folder))
            return Bench(store, stack.enter_context(Presence(folder / "workers", "worker")).path)

        yield bench


@pytest.fixture
def bench(benches: Callable[[str], Bench]) -> Bench:
    return benches("bench")
