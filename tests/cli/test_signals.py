"""Asking to stop: once gracefully, twice at once; and with the parent."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

from ingest.cli.signals import SIGNALS, Stop, stopping
from tests.cli.project import until

LONG = 30.0


def test_the_first_signal_asks_the_second_urges() -> None:
    for each in SIGNALS:
        with stopping() as stop:
            os.kill(os.getpid(), each)
            assert stop.wait(LONG)
            assert (stop.is_set(), stop.is_urgent(), stop.exit_code(0)) == (True, False, 0)

            os.kill(os.getpid(), each)
            until(stop.is_urgent)
            assert stop.exit_code(0) == 128 + each


def test_a_signal_that_was_ignored_is_heard_and_ignored_again_afterwards() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.wait(LONG)

        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_waiter_in_another_thread_is_woken() -> None:
    stop, woken = Stop(), threading.Event()

    def wait() -> None:
        if stop.wait(LONG):
            woken.set()

    thread = threading.Thread(target=wait)
    thread.start()

    stop.set()

    assert woken.wait(LONG)
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

    done = subprocess.run([sys.executable, "-c", program], timeout=LONG, check=False)

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
