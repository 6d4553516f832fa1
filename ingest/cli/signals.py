"""Asking to stop: the first SIGINT, SIGTERM or SIGHUP asks gracefully, the second at once."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNAL_EXIT = 128
_STDERR = 2
_PR_SET_PDEATHSIG = 1  # prctl(2)
_LOOK_EVERY = 1.0  # seconds


class Stop:
    """The wish to stop. A signal handler may set it: no lock is involved, waiters wake through a pipe."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._wishes = 0
        self._signal = 0

    def set(self, signum: int = 0) -> None:
        """One more wish to stop."""
        self._wishes += 1
        self._signal = signum
        with suppress(BlockingIOError):
            os.write(self._write, b"!")

    def is_set(self) -> bool:
        """True when work should stop gracefully."""
        return self._wishes > 0

    def is_urgent(self) -> bool:
        """True when it should stop at once."""
        return self._wishes > 1

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the wish, at most `timeout` seconds; True when it is there."""
        if not self.is_set():
            select.select([self._read], [], [], timeout)
        return self.is_set()

    def fileno(self) -> int:
        """Readable once the wish is there; never read from it."""
        return self._read

    def exit_code(self, code: int) -> int:
        """`code`, unless the stop was not a clean one: then what a shell says of the signal."""
        return _SIGNAL_EXIT + self._signal if self.is_urgent() else code

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._read)
        os.close(self._write)


@contextmanager
def stopping(
    *,
    leave_at: int = 3,
    is_last: bool = False,
    with_parent: int | None = None,
    last_words: Callable[[], None] | None = None,
) -> Iterator[Stop]:
    """A `Stop` that signals set. Wish number `leave_at` ends this very process, whatever it is doing.

    `last_words` are said before that. Where the block is the last thing that
    is done (`is_last`), and somebody has wished to stop, the next signal ends
    this process also once the block is left: while everything is closed.

    `with_parent` is the pid of the process whose death is a wish to stop too.

    The handlers are installed even where a signal was ignored: a shell starts
    background processes with SIGINT ignored.
    """
    stop = Stop()

    def wish(signum: int, _frame: FrameType | None) -> None:
        stop.set(signum)
        if stop._wishes >= leave_at:  # noqa: SLF001  # the handler is part of it
            if last_words is not None:
                last_words()
            _end(signum, _frame)

    if with_parent is not None:
        _follow(with_parent, stop)
    before = {each: signal.signal(each, wish) for each in SIGNALS}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, _end if is_last and stop.is_set() else handler)
        stop.close()


def _end(signum: int, _frame: FrameType | None) -> None:
    """Nothing more is done, not even tidying."""
    _show_cursor()
    os._exit(_SIGNAL_EXIT + signum)


def _show_cursor() -> None:
    """What is drawn live on a terminal hides its cursor; nothing else gives it back."""
    with suppress(OSError):
        if os.isatty(_STDERR):
            os.write(_STDERR, b"\x1b[?25h")


def _follow(parent: int, stop: Stop) -> None:
    """SIGTERM reaches us when our parent dies; where the kernel does not offer that, we look now and then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    else:
        threading.Thread(target=_look_for, args=(parent, stop), daemon=True).start()
    if os.getppid() != parent:
        stop.set(signal.SIGTERM)


def _look_for(parent: int, stop: Stop) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    stop.set(signal.SIGTERM)
