"""The pytest plugin: the fixture `ingest_bench`, in every environment that has both ingest and pytest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ingest.contract import Processor
    from ingest.testing.bench import Bench


def pytest_configure(config: pytest.Config) -> None:
    """Tests beside an ingest.toml import `processors` as the engine does: theirs, then the bundled."""
    for directory in {config.invocation_params.dir, config.rootpath}:
        if (directory / "ingest.toml").is_file():
            from ingest import registry  # noqa: PLC0415  # only where there is a project

            registry.mount(registry.folders_of(directory / "processors"))
            return


@pytest.fixture
def ingest_bench(tmp_path: Path) -> Callable[..., Bench]:
    """Makes a bench for one processor or several, each with a store of its own below `tmp_path`.

    Settings of ingest.toml's `[[processor]]` are given by name and hold for all
    of them: `ingest_bench(orders, max_rejects="5%", options={"currency": "EUR"})`.
    """
    from ingest.testing.bench import Bench  # noqa: PLC0415  # other tests of the environment do not pay for it

    made: list[Bench] = []

    def make(*processors: Processor, **settings: Any) -> Bench:
        made.append(Bench(tmp_path / f"ingest-{len(made) + 1}", processors, settings))
        return made[-1]

    return make
