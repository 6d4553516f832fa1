"""`ingest init --example` leaves a project that works, and whose README is so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ingest.cli import scaffold
from tests.docs.running import Project
from tests.docs.terminal import Terminal
from tests.docs.trying import tried

README = Path(scaffold.__file__).parent / "templates/example/README.md"


@pytest.fixture
def example(tmp_path: Path) -> Project:
    home = tmp_path / "example"
    home.mkdir()
    project = Project(home=home)
    assert project.run("init", "--example").returncode == 0
    return project


@pytest.mark.timeout(600)
def test_the_readme_of_the_example_tells_what_happens(example: Project) -> None:
    reasons = list(tried(README, Terminal(home=example.home, cwd=example.home), example.home))

    assert all("sqlite3" in reason for reason in reasons)


def test_the_tests_of_the_example_pass(example: Project) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "ingest.testing.plugin", "-p", "no:cacheprovider"]

    ended = subprocess.run(command, cwd=example.home, capture_output=True, check=False, text=True)

    assert ended.returncode == 0, ended.stdout
    assert "3 passed" in ended.stdout


def test_the_example_overwrites_nothing(example: Project) -> None:
    (example.home / "processors/large_payments.py").write_text("# mine\n")
    before = _contents(example.home)

    again = example.run("init", "--example")

    assert again.returncode == 0
    assert _contents(example.home) == before


def _contents(home: Path) -> dict[str, bytes]:
    files = (path for path in home.rglob("*") if path.is_file() and ".ingest" not in path.parts)
    return {str(path): path.read_bytes() for path in files}
