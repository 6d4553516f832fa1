"""Commands started for tests: `python -m ingest`, without paying for its imports each time.

The suite starts some thousand commands, and most of what each costs is importing. `Command` is a
`subprocess.Popen` of `python -m ingest ARGS` that has it forked from a process that has imported
everything (`tests/launcher.py`, one for each process that runs tests, started by the first command).
Directory, environment, umask, session and standard handles are those asked for, no other handle comes
along, and it ends as an interpreter ends. What is not as after a real start: the process is a child of
the launcher, `/proc/PID/cmdline` and `environ` are the launcher's, and its memory holds modules it did
not ask for. A test about one of these, or about starting and importing, uses `subprocess` itself.

Where what is asked for decides how an interpreter starts (`PYTHONPATH`, `LD_PRELOAD`, a locale), where
the system has no handles of processes, and where INGEST_LAUNCHER=off, it is a real start. A `PYTHONPATH`
of one folder with nothing but a `sitecustomize.py` decides only what that does: the fork imports it.
"""

from __future__ import annotations

import atexit
import inspect
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.launcher import LONGEST
from tests.patience import PATIENCE

_LAUNCHER = Path(__file__).with_name("launcher.py")
_DECIDES = (
    "PYTHON",
    "LD_",
    "LC_",
    "LANG",
    "TZ",
    "MALLOC_",
    "GLIBC_",
    "COVERAGE",
    "COV_",
)  # how variables begin
_ASKABLE = {
    "args",
    "cwd",
    "env",
    "stdin",
    "stdout",
    "stderr",
    "text",
    "encoding",
    "errors",
    "start_new_session",
}
_SIGNATURE = inspect.signature(subprocess.Popen._execute_child)  # type: ignore[attr-defined]


class Launcher:
    """A process that forks commands and says how they ended."""

    def __init__(self) -> None:
        self._asking, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self.environment = _plain(os.environ)
        with its:
            self._process = subprocess.Popen(
                [sys.executable, str(_LAUNCHER), str(its.fileno()), "-m", "ingest"],  # what its forks are
                env=self.environment,
                cwd=_LAUNCHER.parents[1],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
            )
        assert self._asking.recv(LONGEST), "the launcher cannot import ingest"
        atexit.register(self.close, os.getpid())

    def close(self, owner: int) -> None:
        """The process has ended."""
        if os.getpid() == owner:
            self._asking.close()
            self._process.wait()

    def is_alive(self) -> bool:
        """True when it can be asked."""
        return self._process.poll() is None

    def fork(self, request: Mapping[str, Any], handles: list[int]) -> int:
        """The pid of a new process that runs the command."""
        return self._asked(json.dumps(request).encode(), handles)[0]

    def reap(self, pid: int) -> tuple[int, int]:
        """What `waitpid` answers that does not wait."""
        found, status = self._asked(json.dumps({"reap": pid}).encode(), [])
        return found, status

    def _asked(self, request: bytes, handles: list[int]) -> list[int]:
        with self._lock:
            if handles:
                socket.send_fds(self._asking, [request], handles)
            else:
                self._asking.send(request)
            answer = self._asking.recv(LONGEST)
        if not answer:
            raise ChildProcessError("the launcher of commands is gone")
        return json.loads(answer)


class Command(subprocess.Popen):
    """`python -m ingest ARGS`, as `Popen` would start it with the same arguments; see the module."""

    def __init__(self, args: Sequence[str], **given: Any) -> None:
        self._launcher, self._given = _launcher_for(args, given), args
        super().__init__([sys.executable, "-m", "ingest", *args], **given)

    def _execute_child(self, *given: Any) -> None:
        if self._launcher is None:
            super()._execute_child(*given)  # type: ignore[misc]
            return
        asked = _SIGNATURE.bind(self, *given).arguments
        environment = _plain(os.environ if asked["env"] is None else asked["env"])
        ends = [asked[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        mask = os.umask(0)
        os.umask(mask)
        request = {
            "args": [os.fsdecode(each) for each in self._given],
            "cwd": os.path.realpath(asked["cwd"] or "."),
            "env": environment,
            "umask": mask,
            "session": bool(asked["start_new_session"]),
            "customized": _customized(environment),
        }
        handles = [own if end == -1 else end for own, end in enumerate(ends)]
        self.pid = self._launcher.fork(request, handles)
        self._child_created = True
        self._close_pipe_fds(  # type: ignore[attr-defined]
            *(asked[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite"))
        )

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if self._launcher is None:
            return super()._try_wait(wait_flags)  # type: ignore[misc]
        if not wait_flags & os.WNOHANG:
            end = os.pidfd_open(self.pid)
            try:
                select.select([end], [], [])
            finally:
                os.close(end)
        return self._launcher.reap(self.pid)

    def _internal_poll(self, _deadstate: int | None = None, **others: Any) -> int | None:
        if self._launcher is None:
            return super()._internal_poll(_deadstate=_deadstate, **others)  # type: ignore[misc]
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]
            try:
                is_known = self.returncode is not None  # since another thread waited for it meanwhile
                pid, status = (0, 0) if is_known else self._try_wait(os.WNOHANG)
                if pid == self.pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            except OSError:
                self.returncode = _deadstate
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode


def run(
    *args: str,
    timeout: float = PATIENCE,
    input: Any = None,  # noqa: A002  # like `subprocess.run`
    **given: Any,
) -> subprocess.CompletedProcess[Any]:
    """The command has ended; what it printed is in the answer."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **given}
    with Command(list(args), **given) as process:
        try:
            out, err = process.communicate(input, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _launcher_for(args: Sequence[str], given: Mapping[str, Any]) -> Launcher | None:
    """Who forks the command; None where it must be a real start."""
    if not hasattr(os, "pidfd_open") or os.environ.get("INGEST_LAUNCHER") == "off":
        return None
    environment = _plain(os.environ if given.get("env") is None else given["env"])
    if not given.keys() <= _ASKABLE or len(str((args, environment))) > LONGEST // 4:
        return None
    launcher = _launcher_of(os.getpid())
    if (
        not launcher.is_alive()
    ):  # a test that was itself a worker, for a while, left no child of its process alive
        _launcher_of.cache_clear()
        launcher = _launcher_of(os.getpid())
    return launcher if _deciding(environment) == _deciding(launcher.environment) else None


@cache
def _launcher_of(_pid: int) -> Launcher:
    return Launcher()


def _plain(environment: Mapping[Any, Any]) -> dict[str, str]:
    """Without what makes every start compile its imports anew."""
    found = {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


def _deciding(environment: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in environment.items() if name.startswith(_DECIDES)}
    if _customized(environment):
        del found["PYTHONPATH"]  # the fork itself sees to it
    return found


def _customized(environment: Mapping[str, str]) -> str:
    """The folder of a `sitecustomize.py` that is all that comes before what is installed; empty for none."""
    folder = Path(environment.get("PYTHONPATH", ""))
    if not folder.is_absolute() or not folder.is_dir():
        return ""
    modules = {entry.name for entry in folder.iterdir()} - {"__pycache__"}
    return str(folder) if modules == {"sitecustomize.py"} else ""
