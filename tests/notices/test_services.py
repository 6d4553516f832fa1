"""`watch`, `work` and `run` as a service manager sees them: ready when they are, silent when they hang."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.project import GOOD, SETTINGS, spawned, until, write
from tests.launching import Command
from tests.notices.listener import Listener, listening

WATCHDOG = 0.4  # seconds
BEATING = SETTINGS.replace("[work]\n", '[work]\nlease = "3s"\n')
TELLTALE = """
import os
from ingest import FileLanded, processor

@processor(accepts=FileLanded, version="1")
def telltale(event, ctx):
    found = {"HOME", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(os.environ)
    ctx.reject(line=1, column="environment", rule="seen", raw=" ".join(sorted(found)))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    write(home, BEATING, {"good.csv": GOOD})
    return home


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path / "notify") as listener:
        yield listener


@contextmanager
def service(
    command: str, home: Path, listener: Listener, watchdog: float | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The command, started as a service manager would."""
    env = {**os.environ, "NOTIFY_SOCKET": listener.address, **_watched(watchdog)}
    with Command([command], cwd=home, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _watched(watchdog: float | None) -> Mapping[str, str]:
    return {} if watchdog is None else {"WATCHDOG_USEC": str(int(watchdog * 1e6))}


def test_a_watcher_is_ready_once_everything_has_been_looked_at(home: Path, listener: Listener) -> None:
    with service("watch", home, listener) as process:
        listener.until_said("READY=1")
        [source] = spawned("status", "--json", cwd=home).json()["sources"]
        process.terminate()
        listener.until_said("STOPPING=1")
        process.wait()

    assert process.returncode == 0
    assert source["last_scan_at"] is not None
    assert "STATUS=watching, sources: 1" in listener.lines


def test_a_source_that_is_not_there_does_not_keep_a_watcher_from_being_ready(
    home: Path, listener: Listener
) -> None:
    (home / "inbox").rename(home / "elsewhere")
    with service("watch", home, listener):
        listener.until_said("READY=1")
        assert "STATUS=watching, sources: 1, unavailable: 1" in listener.lines

        (home / "elsewhere").rename(home / "inbox")

        listener.until_said("STATUS=watching, sources: 1")


def test_a_worker_is_ready_once_its_processes_are_up(home: Path, listener: Listener) -> None:
    with service("work", home, listener) as process:
        listener.until_said("READY=1")
        process.terminate()
        listener.until_said("STOPPING=1")
        process.wait()

    assert process.returncode == 0
    assert "STATUS=working, processors: 2, processes: 1" in listener.lines


def test_a_worker_whose_processor_cannot_be_imported_is_not_ready_and_says_why(
    home: Path, listener: Listener
) -> None:
    (home / "processors").mkdir()
    (home / "processors" / "broken.py").write_text("import os\nos._exit(9)\n")
    (home / "ingest.toml").write_text(SETTINGS.replace("processors.ledger:ledger", "broken:broken"))
    with service("work", home, listener):
        listener.until(lambda line: line.startswith("STATUS=the import of processor 'ledger' ended"))

        assert "READY=1" not in listener.lines
        assert "EXTEND_TIMEOUT_USEC=180000000" in listener.lines


def test_run_is_ready_once_both_are(home: Path, listener: Listener) -> None:
    with service("run", home, listener) as process:
        listener.until_said("READY=1")
        status = spawned("status", "--json", cwd=home).json()
        process.terminate()
        listener.until_said("STOPPING=1")
        process.wait()

    assert process.returncode == 0
    assert (len(status["watchers"]), len(status["workers"])) == (1, 1)
    assert any(
        line.startswith("STATUS=watch: watching, sources: 1; work: working") for line in listener.lines
    )


@pytest.mark.parametrize("command", ["watch", "work", "run"])
def test_a_service_says_that_it_lives_while_it_idles(command: str, home: Path, listener: Listener) -> None:
    with service(command, home, listener, WATCHDOG):
        listener.until_said("READY=1")

        for _ in range(4):
            listener.until_said("WATCHDOG=1")


@pytest.mark.parametrize("command", ["watch", "work"])
def test_a_service_whose_loop_hangs_is_silent_whatever_else_runs_in_it(
    command: str, home: Path, listener: Listener
) -> None:
    with service(command, home, listener, WATCHDOG):
        listener.until_said("READY=1")
        with _written_to(home):  # nobody else can write: the loops wait for the lock, threads go on
            (home / "inbox" / "more.csv").write_text(GOOD.replace("P-", "Q-"))
            until(lambda: listener.is_silent_for(3 * WATCHDOG))

        listener.until_said("WATCHDOG=1")


@pytest.mark.parametrize("kind", ["watchers", "workers"])
def test_run_is_as_silent_as_the_one_of_its_two_that_hangs(kind: str, home: Path, listener: Listener) -> None:
    with service("run", home, listener, WATCHDOG):
        listener.until_said("READY=1")
        [who] = spawned("status", "--json", cwd=home).json()[kind]
        os.kill(who["pid"], signal.SIGSTOP)
        until(lambda: listener.is_silent_for(3 * WATCHDOG))

        os.kill(who["pid"], signal.SIGCONT)

        listener.until_said("WATCHDOG=1")


def test_run_goes_on_saying_that_it_lives_while_one_that_died_is_started_again(
    home: Path, listener: Listener
) -> None:
    with service("run", home, listener, 4.0):
        listener.until_said("READY=1")
        [who] = spawned("status", "--json", cwd=home).json()["workers"]
        os.kill(who["pid"], signal.SIGKILL)

        listener.until(lambda line: line.endswith("work: died and is started again"))
        listener.until(lambda line: line.endswith("work: working, processors: 2, processes: 1"))

        listener.until_said("WATCHDOG=1")


def test_a_processor_does_not_learn_where_somebody_listens(home: Path, listener: Listener) -> None:
    (home / "processors").mkdir()
    (home / "processors" / "telltale.py").write_text(TELLTALE)
    telling = BEATING.replace("processors.ledger:ledger", "telltale:telltale")
    (home / "ingest.toml").write_text(f'{telling}max_rejects = "100%"\n')
    assert spawned("watch", "--once", cwd=home).code == 0

    with service("run", home, listener, 30.0):
        until(lambda: _seen(home))

    assert _seen(home) == "HOME"


@pytest.mark.parametrize("command", ["watch", "work"])
def test_a_service_goes_on_when_the_listener_has_gone(command: str, home: Path, listener: Listener) -> None:
    with service(command, home, listener, WATCHDOG) as process:
        listener.until_said("READY=1")
        listener.close()
        Path(listener.address).unlink()
        (home / "inbox" / "more.csv").write_text(GOOD.replace("P-", "Q-"))
        counted: Callable[[dict], int] = (
            (lambda status: status["sources"][0]["landed"])
            if command == "watch"
            else (lambda status: len(status["workers"]) + 1)
        )
        until(lambda: counted(spawned("status", "--json", cwd=home).json()) == 2)
        process.terminate()
        process.wait()

    assert process.returncode == 0


@contextmanager
def _written_to(home: Path) -> Iterator[None]:
    """The store's write lock is held while the block runs."""
    store = sqlite3.connect(home / ".ingest" / "ingest.db", isolation_level=None)
    try:
        store.execute("BEGIN IMMEDIATE")
        yield
        store.execute("ROLLBACK")
    finally:
        store.close()


def _seen(home: Path) -> str:
    said = spawned("rejects", "list", "--json", cwd=home)
    return next((line["raw"] for line in said.lines() if line["processor"] == "ledger"), "")
