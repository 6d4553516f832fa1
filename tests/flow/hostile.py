"""A processor that does to its process whatever the name of the file says; copied into a project's folder."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import decimal
import json
import locale
import logging
import mmap
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest import Context, FileLanded, processor, table

DONE = table("done", name=str, found=str, unique="name")
HERE = Path(__file__).parent.parent
MEBI = 2**20
LEAKED: list[Any] = []


class Unusual(BaseException):
    """Not an Exception."""


class Tenacious:
    """Takes for ever to go."""

    def __del__(self) -> None:
        time.sleep(60)


@processor(accepts=FileLanded, version="1")
def hostile(event: FileLanded, ctx: Context) -> None:
    act: Callable[[], str | None] | None = globals().get(event.name.partition("-")[0])
    found = None if act is None else act()
    ctx.insert(DONE, {"name": event.name, "found": found or ""})


def memory() -> None:
    bytearray(1024 * MEBI)


def mapped() -> None:
    mmap.mmap(-1, 1024 * MEBI)


def caught() -> str | None:
    try:
        memory()
    except MemoryError:
        return "went on"
    return None


def leak() -> None:
    LEAKED.append(bytearray(100 * MEBI))
    LEAKED.extend(os.open("/dev/null", os.O_RDONLY) for _ in range(100))


def blab() -> None:
    print("DE89370400440532013000", flush=True)
    os._exit(9)


def segfault() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def oom() -> None:  # what the kernel's out-of-memory killer does
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    sys.exit(0)


def unusual() -> None:
    raise Unusual("neither here nor there")


def interrupt() -> None:
    raise KeyboardInterrupt


def regex() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def joined() -> None:
    thread = threading.Thread(target=time.sleep, args=(60,))
    thread.start()
    thread.join()


def thread() -> None:
    threading.Thread(target=time.sleep, args=(1000,)).start()


def exiting() -> None:
    atexit.register(time.sleep, 1000)


def finaliser() -> None:
    Tenacious()


def stopped() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def handles() -> None:
    os.closerange(3, 1024)


def standard() -> None:
    os.closerange(0, 3)


def replaced() -> None:
    for handle in range(3, 30):
        os.dup2(os.open("/dev/null", os.O_RDWR), handle)


def garbage() -> None:
    lines = b'\xff{"kind": 1}\n[]\n{"kind":"ended","done":"x"}\n\x1b[31m\n' + b"[" * 3000 + b"\n"
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if "pipe" in str(link.readlink()):
                os.write(int(link.name), lines)


def twice() -> None:
    os.fork()


def daemon() -> None:
    remember(subprocess.Popen(["sleep", "1000"], start_new_session=True).pid)


def doubly() -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            remember(os.getpid())
            time.sleep(1000)
        os._exit(0)
    os.wait()


def forgetful() -> None:  # a daemon that carries no mark
    remember(subprocess.Popen(["env", "-i", "sleep", "1000"], start_new_session=True).pid)


def remember(pid: int) -> None:
    with (HERE / "daemons").open("a") as file:
        file.write(f"{pid}\n")


def flood() -> None:
    block = b"\xff\x00\x1b[31mforged\r" * 65536  # 1 MiB, binary, without a newline
    for _ in range(100):
        os.write(1, block)
    logging.getLogger("mine").warning('forged\n{"level":"ERROR","message":"\x1b[31mforged"}%s', "x" * 10**6)
    logging.getLogger("mine").warning("100 MB are out")


def printing() -> None:
    os.write(2, b"\x1b[31m" + b"x" * 10_000 + b" the last words")
    os._exit(9)


def nowhere() -> None:
    here = Path.cwd()  # named once: without it, "the" temporary directory would be everybody's
    if here.parent.name.startswith("ingest-worker-"):
        shutil.rmtree(here)


def patched() -> None:
    vars(json).update(dumps=None, loads=None)
    vars(os).update(write=None)
    vars(time).update(monotonic=lambda: "noon")


def store() -> None:
    settings = tomllib.loads((HERE / "ingest.toml").read_text())
    if "store" in settings:
        import psycopg  # noqa: PLC0415  # slow to load, seldom needed

        with psycopg.connect(settings["store"]["url"]) as connection:
            connection.execute("DELETE FROM events")
    path = next(HERE.glob(".ingest/*.db"))
    path.read_bytes()
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM events")


def parent() -> None:
    above = os.getppid()
    if "ingest" in Path(f"/proc/{above}/cmdline").read_text():  # never whoever runs the tests
        os.kill(above, signal.SIGKILL)
    time.sleep(60)


def slow() -> None:
    (HERE / "started").touch()
    while not (HERE / "go").exists():
        time.sleep(0.01)


def deaf() -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    slow()


def change() -> None:
    os.chdir("/")
    os.umask(0)
    os.environ["HOSTILE"] = "1"
    del os.environ["PATH"]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    decimal.getcontext().prec = 2
    locale.setlocale(locale.LC_ALL, "C")
    socket.setdefaulttimeout(0.001)
    sys.setrecursionlimit(100)
    sys.stdout = sys.stderr = None
    logging.root.handlers.clear()
    logging.disable(logging.CRITICAL)
    logging.getLogger("ingest.work.child").disabled = True


def look() -> str:
    """What a run finds that should be as at the start."""
    umask = os.umask(0o77)
    alarm = signal.getitimer(signal.ITIMER_REAL)
    return json.dumps(
        {
            "is_here": Path.cwd() == Path(os.environ["TMPDIR"]),
            "is_empty": list(Path.cwd().iterdir()) == [],
            "umask": umask,
            "environment": [name in os.environ for name in ("HOSTILE", "PATH")],
            "handler": callable(signal.getsignal(signal.SIGTERM)),
            "alarm": alarm[1],
            "mask": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
            "precision": decimal.getcontext().prec,
            "timeout": socket.getdefaulttimeout(),
            "recursion": sys.getrecursionlimit() > 100,
            "prints": sys.stdout is not None,
            "handlers": len(logging.root.handlers),
            "enabled": logging.getLogger("ingest.work.child").isEnabledFor(logging.WARNING),
        }
    )
