"""Kills the process it is loaded into, or suspends it, with a real signal, at a named call.

`INGEST_KILL` is `EVENT NAME N [PART]`: the N-th time that a C function NAME
(`fsync`, `rename`, `commit`, `executemany`, …) is about to be called (`c_call`)
or has returned (`c_return`), or that a function of ours of that name begins
(`call`) or has ended (`return`), in a process whose command line contains PART.
`INGEST_KILL_MARK` names a file that is made just before: it kills only once.
`INGEST_KILL_BY` is the number of the signal.
What the driver of SQLite does in C, that of PostgreSQL does in Python: `c_call commit` means either.
Nothing of the product is changed: the interpreter itself tells of the calls.
What is imported before anything is done is imported first, and told of by nobody: that would take four
times as long.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from types import FrameType

_DRIVER = ("psycopg/connection.py", "psycopg/cursor.py")


def _arm(event: str, name: str, count: int, mark: str) -> None:
    left = [count]

    def watch(frame: FrameType, happened: str, what: object) -> None:
        if happened == event:
            called = getattr(what, "__name__", "") if event.startswith("c_") else frame.f_code.co_name
        elif f"c_{happened}" == event and frame.f_code.co_filename.endswith(_DRIVER):
            called = frame.f_code.co_name
        else:
            return
        if called != name:
            return
        left[0] -= 1
        if left[0] == 0:
            try:
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                return
            os.kill(os.getpid(), int(os.environ.get("INGEST_KILL_BY", signal.SIGKILL)))

    threading.setprofile(watch)
    sys.setprofile(watch)


def _import_all() -> None:
    """Everything that the process will import before it begins is there, but for what it runs itself."""
    name = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    if name != "ingest":  # that begins at once
        importlib.import_module(name)
        del sys.modules[name]


_wanted = os.environ.get("INGEST_KILL", "").split()
if _wanted and (len(_wanted) == 3 or any(_wanted[3] in part for part in sys.orig_argv)):
    _import_all()
    _arm(_wanted[0], _wanted[1], int(_wanted[2]), os.environ["INGEST_KILL_MARK"])
