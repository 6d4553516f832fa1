"""The first process of a container, which has duties that no other has: it starts the command as its child.

The kernel drops signals for which the first process has no handler, and makes
it the parent of every orphan. So it passes signals on, buries whoever dies,
and ends as its child did; the command itself is a process like any other.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

_PASSED_ON = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
_SIGNAL_EXIT = 128


def stand_before() -> None:
    """Only the child returns; the first process leaves when it does, with its exit code.

    To be called before anything is open and any thread runs.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)  # what comes in between is not lost
    child = os.fork()
    if child:
        os._exit(_outlive(child))
    _take_the_terminal()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)


def _outlive(child: int) -> int:
    """The exit code of the child, once it and whoever else died until then are buried."""

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, signum)

    for each in _PASSED_ON:
        signal.signal(each, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else _SIGNAL_EXIT - code


def _take_the_terminal() -> None:
    """What is typed reaches the child alone: passed on as well, one Ctrl-C would be two."""
    os.setpgid(0, 0)
    with suppress(OSError, ValueError, AttributeError):
        if sys.stdin.isatty():
            before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
            signal.signal(signal.SIGTTOU, before)
