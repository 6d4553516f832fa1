"""The process a processor runs in, kept as it was: what one run did to it does not reach the next.

A processor may change its working directory, its environment or its signal
handlers, raise its memory without end, close files that are not its own, or
come back twice because it forked. The first is put back; what cannot be put
back ends the process, and a new one goes on.
"""

from __future__ import annotations

import contextlib
import decimal
import gc
import locale
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from ingest.work import leftovers, memory

DAMAGED = 71  # exit status: a processor closed what the engine had open
LEAKED_HANDLES = 64  # a child that leaks more than this is replaced
LEAKED_THREADS = 64
# The one in C: making an enumeration's member of each answer cost more than all the rest of putting back.
_handler_of = import_module("_signal").getsignal
_PRIVATE = 0o077
_STANDARD = (0, 1, 2)
_SIGNALS = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGALRM,
    signal.SIGCHLD,
    signal.SIGPIPE,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


class Keeper:
    """Made when the engine's own files are open and before any processor has run."""

    def __init__(self, room: Path) -> None:
        self._room = room
        self._pid = os.getpid()
        self._environment, self._variables = dict(os.environ), dict(_raw_environment())
        self._handlers = {each: _handler_of(each) for each in _SIGNALS}
        self._locale = locale.setlocale(locale.LC_ALL)
        self._log = list(logging.root.handlers), logging.root.level
        self._loggers = 0, list[str]()  # how many names there were, and those that are the engine's
        self._recursion = sys.getrecursionlimit()
        own = {handle: named for handle in _open_handles() if (named := _named(handle)) is not None}
        self._sockets = {handle: named for handle, named in own.items() if _is_socket(handle)}
        self._files = {handle: named for handle, named in own.items() if handle not in self._sockets}
        self._most_handles = len(own) + LEAKED_HANDLES
        self._is_damaged = False
        self._memory = memory.taken()
        self._threads = _threads()
        self._memory_max = 0
        self._is_running = False
        self._is_worn = False
        self._put_back()

    def admit(self, memory_max: int) -> None:
        """A processor runs: it is refused memory beyond `memory_max` more than the child had at its start."""
        self._take_stock()
        self._is_running, self._memory_max = True, memory_max
        memory.limit(self._memory + memory_max)

    def dismiss(self) -> None:
        """The processor has run, and the process is as it was before.

        A second process that came back from a `fork` ends here.
        """
        if os.getpid() != self._pid:
            os._exit(0)
        self._is_running = False
        memory.lift()
        self._look_after_sockets()
        self._put_back()

    def distrust(self) -> None:
        """Something went wrong that no data explain: a new process takes over when this hold has ended."""
        self._is_worn = True

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The engine itself works, on behalf of a processor that runs: no limit holds for it."""
        memory.lift()
        try:
            with self.connecting():
                yield
        finally:
            if self._is_running:
                memory.limit(self._memory + self._memory_max)

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """The engine uses its connections on behalf of a processor that runs, and may lose and make some."""
        self._look_after_sockets()
        try:
            yield
        finally:
            self._take_stock()

    def check(self) -> None:
        """What the engine had open is still so; else the process has ended before it writes anything."""
        if self._is_damaged or any(_named(handle) != named for handle, named in self._files.items()):
            os._exit(DAMAGED)

    def is_worn(self) -> bool:
        """True when so much was left behind here that a new process should take over."""
        _reap()
        return (
            self._is_worn
            or len(_open_handles()) > self._most_handles
            or _threads() > self._threads + LEAKED_THREADS
            or (self._memory_max > 0 and memory.taken() > self._memory + self._memory_max // 2)
            or bool(leftovers.children())
        )

    def _take_stock(self) -> None:
        """Connections that a server has ended are no processor's doing; those made since are not known."""
        kept = {handle: named for handle, named in self._sockets.items() if _named(handle) == named}
        self._is_worn = self._is_worn or len(kept) < len(self._sockets)
        self._sockets = kept

    def _look_after_sockets(self) -> None:
        """The engine touches no connection while a processor runs: what has closed since was closed by it."""
        if any(_named(handle) != named for handle, named in self._sockets.items()):
            self._is_damaged = True

    def _put_back(self) -> None:
        self._put_back_directory()
        self._put_back_signals()
        self._put_back_logging()
        if _raw_environment() != self._variables:
            os.environ.clear()
            os.environ.update(self._environment)
        os.umask(_PRIVATE)
        decimal.setcontext(decimal.Context())
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        socket.setdefaulttimeout(None)
        sys.setrecursionlimit(self._recursion)
        vars(sys).update(stdout=sys.__stdout__, stderr=sys.__stderr__)
        gc.enable()

    def _put_back_directory(self) -> None:
        try:
            os.chdir(self._room)
        except OSError:
            self._room.mkdir(0o700, parents=True, exist_ok=True)
            os.chdir(self._room)

    def _put_back_signals(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for each, handler in self._handlers.items():
            if _handler_of(each) is not handler:
                signal.signal(each, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def _put_back_logging(self) -> None:
        handlers, level = self._log
        logging.root.handlers[:] = handlers
        if logging.root.level != level or logging.root.manager.disable != logging.NOTSET:
            logging.root.setLevel(level)
            logging.disable(logging.NOTSET)
        for logger in map(logging.root.manager.loggerDict.get, self._own_loggers()):
            if isinstance(logger, logging.Logger):
                logger.disabled, logger.propagate = False, True

    def _own_loggers(self) -> list[str]:
        """The names of the engine's; they are gone through anew whenever there are more names than before."""
        known = logging.root.manager.loggerDict
        if len(known) != self._loggers[0]:
            self._loggers = len(known), [name for name in known if name.startswith("ingest")]
        return self._loggers[1]


def _raw_environment() -> dict[bytes, bytes]:
    """The environment as `os.environ` holds it: comparing it decoded would cost more than all the rest."""
    return vars(os.environ)["_data"]  # type: ignore[no-any-return]  # bytes on every POSIX system


def _reap() -> None:
    """Children that have ended are gone from the process table; nobody waits for them between two runs."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _threads() -> int:
    with contextlib.suppress(OSError):
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    return 0


def _open_handles() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    return []


def _is_socket(handle: int) -> bool:
    return handle not in _STANDARD and stat.S_ISSOCK(os.fstat(handle).st_mode)


def _named(handle: int) -> tuple[int, int] | None:
    """Which file a handle is open on; None for one that is closed. Standard ones may have been redirected."""
    try:
        found = os.fstat(handle)
    except OSError:
        return None
    return (0, 0) if handle in _STANDARD else (found.st_dev, found.st_ino)
