"""Asking to stop: once gracefully, twice at once; and with the parent."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingest.cli.signals import SIGNALS, Stop, stopping
from tests.cli.project import until
from tests.patience import PATIENCE


def test_the_first_signal_asks_the_second_urges() -> None:
    for each in SIGNALS:
        with stopping() as stop:
            os.kill(os.getpid(), each)
            assert stop.wait(PATIENCE)
            assert (stop.is_set(), stop.is_urgent(), stop.exit_code(0)) == (True, False, 0)

            os.kill(os.getpid(), each)
            until(stop.is_urgent)
            assert stop.exit_code(0) == 128 + each


def test_a_signal_that_was_ignored_is_heard_and_ignored_again_afterwards() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.wait(PATIENCE)

        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_waiter_in_another_thread_is_woken() -> None:
    stop, woken = Stop(), threading.Event()

    def wait() -> None:
        if stop.wait(PATIENCE):
            woken.set()

    thread = threading.Thread(target=wait)
    thread.start()

    stop.set()

    assert woken.wait(PATIENCE)
    thread.join()
    assert select.select([stop], [], [], 0)[0] == [stop]
    stop.close()


def test_waiting_ends_when_its_time_is_over() -> None:
    stop = Stop()

    assert stop.wait(0.001) is False
    stop.close()


def test_the_last_wish_ends_the_process_whatever_it_does() -> None:
    program = (
        "import os, signal, sys\n"
        "from ingest.cli.signals import stopping\n"
        "with stopping(leave_at=2):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    while True: pass\n"
    )

    done = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE, check=False)

    assert done.returncode == 128 + signal.SIGTERM


def test_a_process_asks_itself_to_stop_when_its_parent_dies(tmp_path: Path) -> None:
    child = (
        "import os, sys\n"
        "from ingest.cli.signals import stopping\n"
        f"with stopping(with_parent=int(sys.argv[1])) as stop:\n"
        f"    open({str(tmp_path / 'up')!r}, 'w').close()\n"
        "    stop.wait(30)\n"
        f"open({str(tmp_path / 'stopped')!r}, 'w').close()\n"
    )
    parent = (
        f"import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}, str(os.getpid())])\n"
    )

    with subprocess.Popen([sys.executable, "-c", parent]) as process:
        until((tmp_path / "up").exists)
        process.kill()

    until((tmp_path / "stopped").exists)


def test_asked_to_stop_the_last_thing_that_is_done_ends_at_the_next_signal_while_all_is_closed() -> None:
    program = (
        "import os, signal\n"
        "from ingest.cli.signals import stopping\n"
        "try:\n"
        "    with stopping(leave_at=2, is_last=True):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "finally:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    while True: pass\n"
    )

    done = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE, check=False, capture_output=True)

    assert (done.returncode, done.stderr) == (130, b"")


def test_where_nobody_asked_to_stop_signals_mean_afterwards_what_they_meant() -> None:
    before = signal.getsignal(signal.SIGINT)

    with stopping(leave_at=2, is_last=True):
        pass

    assert signal.getsignal(signal.SIGINT) is before


CLOSING = """
import os, signal, sys
from ingest.store.engine import Store
leave = Store.__exit__

def interrupted(self, *args):
    try:
        os.kill(os.getpid(), signal.SIGINT)  # the second one
    finally:
        os.write(2, b"it went on")
    leave(self, *args)

Store.__exit__ = interrupted
from ingest.cli import main
sys.argv = ["ingest", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("command", ["events tail -f", "status --watch --json", "replay ledger --yes --wait"])
def test_a_second_interrupt_while_the_store_is_closed_ends_it_at_once(worked: Path, command: str) -> None:
    argv = [sys.executable, "-c", CLOSING, *command.split()]
    with subprocess.Popen(argv, cwd=worked, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        begun = process.stderr if "replay" in command else process.stdout
        assert begun is not None
        assert begun.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)

    assert (process.returncode, said) == (130, b"")


BEGINNING = """
import os, signal, sys

class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "ingest.cli.frame":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupted())
"""
END = """
import atexit, os, signal
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
"""


@pytest.mark.parametrize("when", [BEGINNING, END], ids=["imported", "ended"])
def test_an_interrupt_while_it_begins_or_ends_leaves_no_traceback(when: str) -> None:
    program = f"{when}\nimport sys\nfrom ingest.cli import main\nsys.argv = ['ingest', '--version']\nmain()\n"

    done = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE, check=False, capture_output=True)

    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")
