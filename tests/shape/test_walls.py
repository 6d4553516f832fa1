"""Walls that no linter knows: how long a file may be, and what a committed pin may hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for folder in ("ingest", "processors") for path in (ROOT / folder).rglob("*.py"))
PINS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_longer_than_300_lines(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 300


@pytest.mark.parametrize("pins", PINS, ids=lambda path: path.stem)
def test_a_pin_has_a_version_and_hashes_and_no_address(pins: Path) -> None:
    requirements = pins.read_text().replace("\\\n", " ").splitlines()

    for requirement in requirements:
        assert re.fullmatch(
            r"[a-z0-9-]+==\S+(?: ; [^:]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+", requirement.strip()
        )


def test_every_dependency_of_the_project_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/run.txt").read_text(), re.MULTILINE))

    declared = {re.match(r"[a-z0-9-]+", dependency)[0] for dependency in project["dependencies"]}  # type: ignore[index]

    assert declared <= pinned
