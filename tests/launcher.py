"""The process from which tests fork commands: everything is imported, nothing is open, no thread runs.

Started by `tests/launching.py`, which says what it is asked and what it answers. A fork falls out of the loop
below, puts on what a fresh interpreter would have, and runs `python -m ingest` to the end of an interpreter.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

LONGEST = 1 << 17  # bytes of a request
_NOT_IMPORTED = ("ingest.__main__", "ingest.testing", "ingest._bundled", "ingest.cli.first")


def _import_all(package: Any) -> None:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not found.name.startswith(_NOT_IMPORTED):
            module = importlib.import_module(found.name)
            if found.ispkg:
                _import_all(module)


def _next_command(asking: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Returns in each fork, with its command and standard handles; None where nobody will ask any more."""
    while True:
        asked, handles, _, _ = socket.recv_fds(asking, LONGEST, 3)
        if not asked:
            return None
        request = json.loads(asked)
        if "reap" in request:
            answer = _reaped(request["reap"])
        else:
            pid = os.fork()
            if pid == 0:
                return request, handles
            for handle in handles:
                os.close(handle)
            answer = [pid]
        asking.send(json.dumps(answer).encode())


def _reaped(pid: int) -> list[int]:
    with suppress(ChildProcessError):
        return list(os.waitpid(pid, os.WNOHANG))
    return [pid, 0]


def _put_on(request: dict[str, Any], handles: list[int]) -> None:
    """This process is as it would be, had it been started with what was asked for."""
    if request["session"]:
        os.setsid()
    for handle, target in zip(handles, range(3), strict=True):
        os.dup2(handle, target)
    os.closerange(3, max(handles) + 1)
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.stdin, sys.stdout, sys.stderr = (
        _stream(sys.stdin, "r"),
        _stream(sys.stdout, "w"),
        _stream(sys.stderr, "w"),
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.path[0] = request["cwd"]
    sys.argv = ["ingest", *request["args"]]
    sys.orig_argv[:] = [sys.executable, "-m", "ingest", *request["args"]]
    if request["customized"]:
        sys.path.insert(1, request["customized"])
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")


def _stream(fresh: Any, mode: str) -> Any:
    """A stream like the one that nobody has used, on the handle that now stands in its place."""
    is_unbuffered = bool(fresh.write_through)  # never of what is read
    buffering = 0 if is_unbuffered and mode == "w" else -1
    binary: Any = open(fresh.fileno(), f"{mode}b", buffering, closefd=False)  # noqa: SIM115  # it stays open
    getattr(binary, "raw", binary).name = fresh.name
    made: Any = io.TextIOWrapper(
        binary,
        encoding=fresh.encoding,
        errors=fresh.errors,
        newline="\n",
        line_buffering=mode == "w" and not is_unbuffered and (fresh.name == "<stderr>" or binary.isatty()),
        write_through=is_unbuffered,
    )
    made.mode = mode
    return made


def _leave(end: SystemExit) -> None:
    """The process has ended as an interpreter does, but for taking its modules apart, or raises `end`."""
    threading._shutdown()  # type: ignore[attr-defined]  # what an interpreter does first
    atexit._run_exitfuncs()  # and then
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        raise end from None
    if not isinstance(end.code, int):
        raise end
    os._exit(end.code & 0xFF)


if __name__ == "__main__":
    import ingest

    _import_all(ingest)
    importlib.import_module("sqlalchemy.dialects.sqlite.pysqlite")
    gc.collect()
    gc.freeze()
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    commands = socket.socket(fileno=int(sys.argv[1]))
    commands.send(b"[0]")
    found = _next_command(commands)
    if found is not None:
        commands.close()
        _put_on(*found)
        try:
            runpy.run_module("ingest", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            _leave(end)
