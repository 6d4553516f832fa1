"""A project that has been through one day, and the command line in the process of the test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.cli.frame import run
from tests.cli.project import BAD, GOOD, SETTINGS, Ingest, Said, spawned, write
from tests.crash.pipeline import Pipeline


@pytest.fixture
def ingest(capfd: pytest.CaptureFixture[str]) -> Ingest:
    """The command line in this process, in the working directory."""

    def call(*argv: str) -> Said:
        code = run(argv)
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("INGEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="session")
def _worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landed and worked once for all tests: a good file, a bad one, a copy, a link, one that is ignored."""
    home = tmp_path_factory.mktemp("worked")
    write(home, SETTINGS, {"good.csv": GOOD, "old.bak": "x"})
    assert spawned("watch", "--once", cwd=home).code == 0
    assert spawned("work", "--once", cwd=home).code == 0
    (home / "inbox" / "bad.csv").write_text(BAD)
    (home / "inbox" / "copy.csv").write_text(GOOD)
    (home / "inbox" / "link.csv").symlink_to("/etc/hostname")
    assert spawned("watch", "--once", cwd=home).code == 3  # the link was refused
    assert spawned("work", "--once", cwd=home).code == 3  # the bad file is dead
    return home


@pytest.fixture
def day(_worked: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worked project itself, not to be changed; the working directory."""
    monkeypatch.chdir(_worked)
    return _worked


@pytest.fixture
def worked(_worked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the worked project, to be changed: its files are other inodes. The working directory."""
    home = tmp_path / "worked"
    Pipeline(_worked).copy(home)
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="session")
def _parked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landed and worked once for all tests: a good file waits behind a dead one of the same partition."""
    home = tmp_path_factory.mktemp("parked")
    write(
        home, SETTINGS.replace('path = "inbox"', 'path = "inbox"\npartition = "{source}"'), {"1-bad.csv": BAD}
    )
    assert spawned("watch", "--once", cwd=home).code == 0
    (home / "inbox" / "2-good.csv").write_text(GOOD)
    assert spawned("run", "--once", cwd=home).code == 3
    return home


@pytest.fixture
def parked(_parked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the parked project; the working directory."""
    home = tmp_path / "parked"
    Pipeline(_parked).copy(home)
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a store; the working directory."""
    home = tmp_path / "empty"
    home.mkdir()
    write(home, SETTINGS, {})
    monkeypatch.chdir(home)
    return home
