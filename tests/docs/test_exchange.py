"""The `ingest` that is typed on a page is forked, and whoever types it cannot tell."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, pipeline, wait_until
from tests.docs.terminal import Running, Terminal

either = pytest.mark.parametrize("place", ["", str(Path(sys.executable).parent)], ids=["forked", "started"])


@pytest.fixture
def terminal(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("INGEST_PAGES_BIN", place)
    made = Terminal(home=tmp_path, cwd=pipeline(tmp_path / "p", CONFIG).root)
    yield made
    made.close()


def typed(terminal: Terminal, *commands: str) -> list[tuple[str, int]]:
    """What each command said, and how it ended."""
    return [(said.text, said.status) for said in terminal.typed(commands)]


@either
def test_it_says_what_it_says_to_whom_it_says_it_and_its_exit_code_is_its_own(terminal: Terminal) -> None:
    said = typed(
        terminal,
        "ingest --version | tr a-z A-Z",
        "ingest events list --limit nought 2> wrong > right",
        "grep -c 'whole number' wrong; cat right",
        "(umask 077; mkdir empty; cd empty; ingest init > ../made)",
        "stat -c %a empty/ingest.toml; head -n1 made",
    )

    assert said == [
        (f"INGEST {version('ingest')}\n", 0),
        ("", 2),
        ("1\n", 0),
        ("", 0),
        ("600\nmade  ingest.toml\n", 0),
    ]


def until(is_so: Callable[[], bool], running: Running, what: str) -> None:
    """It is so; what is typed meanwhile is seen to."""

    def look() -> bool:
        running.said(within=0.02)
        return is_so()

    wait_until(look, what)


@either
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, "0\n"), (signal.SIGKILL, "137\n")])
def test_a_signal_that_it_is_sent_is_its_own(terminal: Terminal, number: int, status: str) -> None:
    seen, told = Pipeline(terminal.cwd), terminal.cwd / "status"
    running = terminal.start("bash -c 'ingest -q watch & echo $! > pid; wait $!; echo $? > status'")
    until(lambda: seen.live() != [], running, "it is up")
    [watcher] = seen.live()

    os.kill(int((terminal.cwd / "pid").read_text()), number)

    until(lambda: told.exists() and told.read_text() == status, running, "it has ended so")
    until(lambda: not Path(f"/proc/{watcher}").exists(), running, "no part of it is left")


@either
def test_ctrl_c_ends_it_cleanly(terminal: Terminal) -> None:
    seen = Pipeline(terminal.cwd)
    running = terminal.start("ingest -q watch")
    until(lambda: seen.live() != [], running, "it is up")

    assert [(said.text, said.status) for said in terminal.close()] == [("", 0)]
    assert seen.live() == []


@either
def test_who_waits_for_it_learns_what_it_died_of(terminal: Terminal) -> None:
    seen, told = Pipeline(terminal.cwd), terminal.cwd / "status"
    running = terminal.start("bash -c 'ingest -q watch; echo $? > status'")
    until(lambda: seen.live() != [], running, "it is up")

    os.kill(seen.live()[0], signal.SIGKILL)

    until(lambda: told.exists() and told.read_text() == "137\n", running, "it is told")
