"""Does to itself what the first word of the file says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

from ingest import Context, FileLanded, PermanentError, processor, table

ODD = table("odd", sha256=str, kind=str)
FLAKY = Path(os.environ["TORTURE_ROOT"]) / "flaky"


@processor(accepts=FileLanded, version="1")
def odd(event: FileLanded, ctx: Context) -> None:
    """The file is noted, unless its first word is a word of ruin."""
    with ctx.open() as file:
        data = file.read()
    kind = data.split(b" ", 1)[0].decode()
    ctx.insert(ODD, {"sha256": sha256(data).hexdigest(), "kind": kind})
    act = _ACTS.get(kind)
    if act is not None:
        act(ctx)


def _segfault(_: Context) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _exit(_: Context) -> None:
    os._exit(3)


def _raise(_: Context) -> None:
    msg = "not today"
    raise ValueError(msg)


def _bad(_: Context) -> None:
    raise PermanentError("never")


def _memory(_: Context) -> None:
    held = []
    while True:
        held.append(bytearray(16 << 20))


def _hang(_: Context) -> None:
    while True:
        time.sleep(60)


def _print(_: Context) -> None:
    sys.stdout.write("\x1b[31m" + "x" * 2_000_000)
    os.write(1, b"\0\xff\n")


def _flaky(ctx: Context) -> None:
    """Fails the first time, whoever runs it."""
    try:
        os.close(os.open(FLAKY / ctx.event.id.replace("/", "_"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    msg = "the first time is always hard"
    raise ValueError(msg)


def _leak(_: Context) -> None:
    for _n in range(50):
        os.dup(0)
    Path("left-behind").write_text("x")


def _daemon(_: Context) -> None:
    subprocess.Popen(["sleep", "3600"], start_new_session=True)


_ACTS = {
    "segfault": _segfault,
    "exit": _exit,
    "raise": _raise,
    "bad": _bad,
    "memory": _memory,
    "hang": _hang,
    "print": _print,
    "flaky": _flaky,
    "leak": _leak,
    "daemon": _daemon,
}
