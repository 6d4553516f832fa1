"""A real pipeline in a directory, worked through its command line, and the invariants it is held to."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg

from ingest.archive import Archive
from ingest.archive.verifying import verify
from ingest.store.opening import open_store
from ingest.store.reading import verifying
from ingest.store.sqlite.driver import sqlite_module
from tests import server
from tests.launching import Command
from tests.patience import PATIENCE
from tests.store.backends import new_url

KILLS = Path(__file__).parent / "kill"
CONFIG = """\
version = 1

[work]
concurrency = 1
lease = "30s"

[[source]]
name = "acme"
path = "inbox"
complete = "renamed"
rescan = "1s"

[[processor]]
name = "payments"
use = "payments:payments"
backoff = { base = "50ms", cap = "200ms" }
max_crashes = 20

[[processor]]
name = "ledger"
use = "ledger:ledger"
backoff = { base = "50ms", cap = "200ms" }
max_crashes = 20
"""
TWO_CHILDREN = CONFIG.replace("concurrency = 1", "concurrency = 2")  # one goes on while the other is killed
HEADER = "payment_id,account,amount,currency,value_date,counterparty,reference\n"


def payments_file(*ids: str, account: str = "ACC-1") -> bytes:
    """A payments file that books each of `ids` once, 10.00 EUR each."""
    rows = (f"{id_},{account},10.00,EUR,2026-03-02,Somebody,ref {id_}\n" for id_ in ids)
    return (HEADER + "".join(rows)).encode()


def children(pid: int) -> list[int]:
    """The processes that the first thread of a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Return when `is_so`; fail, naming `what`, when it is not in time.

    What is waited for needs the processor more: asking takes half of the time at most.
    """
    deadline = time.monotonic() + seconds
    asked = time.monotonic()
    while not is_so():
        took = time.monotonic() - asked
        assert asked + took < deadline, f"not in time: {what}"
        time.sleep(max(0.02, took))
        asked = time.monotonic()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One project directory."""

    root: Path

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def database(self) -> Path:
        return self.root / ".ingest" / "ingest.db"

    @property
    def url(self) -> str:
        """Where its store is."""
        settings = tomllib.loads((self.root / "ingest.toml").read_text("utf-8"))
        return str(settings.get("store", {}).get("url", f"sqlite:///{self.database}"))

    @property
    def is_on_server(self) -> bool:
        return not self.url.startswith("sqlite:")

    @property
    def archive(self) -> Path:
        return self.root / ".ingest" / "archive"

    def configure(self, config: str) -> None:
        """It goes by another configuration, with the store that it has."""
        (self.root / "ingest.toml").write_text(with_store(config, self.url), "utf-8")

    def copy(self, to: Path) -> Pipeline:
        """Another pipeline in `to`, as this one is now, with a store of its own."""
        shutil.copytree(self.root, to, symlinks=True)
        if self.is_on_server:
            config = (to / "ingest.toml").read_text("utf-8")
            url = server.url(server.new_database(template=server.name_in(self.url)))
            (to / "ingest.toml").write_text(config.replace(self.url, url), "utf-8")
        return type(self)(to)

    def drop(self, name: str, data: bytes) -> None:
        """The file appears in the inbox under its name, complete."""
        part = self.inbox / f".{name}.part"
        part.write_bytes(data)
        part.rename(self.inbox / name)

    def start(
        self, *args: str, kill: str = "", mark: str = "killed", by: int = signal.SIGKILL
    ) -> subprocess.Popen[bytes]:
        """The command runs; `kill` is when it is to die, `by` a signal (see kill/sitecustomize.py)."""
        env = dict(os.environ)
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        if kill:
            env |= {
                "PYTHONPATH": str(KILLS),
                "INGEST_KILL": kill,
                "INGEST_KILL_MARK": str(self.root / mark),
                "INGEST_KILL_BY": str(int(by)),
            }
        return Command(
            args,
            cwd=self.root,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *args: str, kill: str = "", mark: str = "killed") -> subprocess.CompletedProcess[bytes]:
        """The command has ended."""
        process = self.start(*args, kill=kill, mark=mark)
        out, err = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def ok(self, *args: str) -> bytes:
        """What the command, which succeeded, printed."""
        done = self.run(*args)
        assert done.returncode == 0, (args, done.returncode, done.stdout[-2000:], done.stderr[-4000:])
        return done.stdout

    def was_killed(self, mark: str = "killed") -> bool:
        """True when the kill happened."""
        return (self.root / mark).exists()

    def heal(self) -> None:
        """Everything that is left to do is done, in fresh processes without faults."""
        self.ok("watch", "--once")
        self.work_off()

    def work_off(self) -> None:
        """All that is due was worked off, by one process: there is nobody it could get in the way of."""
        self.ok("work", "--once", "--wait-retries", "-c", "1")

    @contextmanager
    def sql(self) -> Iterator[sqlite3.Connection]:
        """The database file, to be read."""
        connection = sqlite_module().connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the query finds."""
        if self.is_on_server:
            with psycopg.connect(self.url) as connection:
                return connection.execute(query).fetchall()
        with self.sql() as connection:
            return connection.execute(query).fetchall()

    def change(self, *statements: str) -> None:
        """The database is changed past every guard, as somebody with the right to do so would."""
        if self.is_on_server:
            with psycopg.connect(self.url) as connection:
                connection.execute("SET session_replication_role = replica")
                for statement in statements:
                    assert connection.execute(statement).rowcount, statement
            return
        with closing(sqlite_module().connect(self.database)) as file, file:
            for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                file.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                assert file.execute(statement).rowcount, statement

    def lose_store(self) -> None:
        """All that the database held is gone; nobody uses it."""
        if self.is_on_server:
            name = server.name_in(self.url)
            server.shared().run(f"DROP DATABASE {name} WITH (FORCE)")
            server.shared().run(f"CREATE DATABASE {name}")
        for path in self.database.parent.glob("ingest.db*"):
            path.unlink()

    def has_table(self, name: str) -> bool:
        """True once a processor's table was made."""
        of_file = f"SELECT name FROM sqlite_master WHERE name = '{name}'"
        of_server = f"SELECT relname FROM pg_class WHERE relname = '{name}'"
        return self.rows(of_server if self.is_on_server else of_file) == [(name,)]

    def live(self) -> list[int]:
        """The pids of workers and watchers that are up and have not ended."""
        pids = [row[0] for row in self.rows("SELECT pid FROM workers WHERE state = 'active'")]
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    def assert_sound(self) -> None:
        """Every invariant that must hold once the faults have stopped."""
        with open_store(self.url, self.root / ".ingest") as store:
            assert verifying.verify(store).holds, "the chains are whole"
            report = verify(Archive(store, self.archive))
        assert report.is_sound, "every content is there and hashes to its digest"
        assert report.orphans == []
        assert list((self.archive / "tmp").glob("*")) == [], "no temporary file is left"
        assert (
            self.rows("SELECT source, path, version FROM landings GROUP BY 1, 2, 3 HAVING count(*) > 1") == []
        )
        landed = "SELECT content FROM events WHERE type = 'ingest.file.landed.v1'"
        assert self.rows(f"{landed} EXCEPT SELECT sha256 FROM contents") == [], "no event without its bytes"
        assert self.rows("SELECT count(*) FROM lanes WHERE state = 'leased'") == [(0,)], (
            "nothing stays running"
        )
        if not self.is_on_server:
            assert self.rows("PRAGMA integrity_check") == [("ok",)]
            assert self.rows("PRAGMA foreign_key_check") == []
        self.assert_private()

    def assert_worked_off(self) -> None:
        """Everything has drained, and every effect happened once and in order."""
        assert self.rows("SELECT count(*) FROM deliveries") == [(0,)], "everything has drained"
        assert self.rows("SELECT count(*) FROM dead") == [(0,)], "no good file is dead"
        assert self.rows("SELECT payment_id FROM payments GROUP BY 1 HAVING count(*) > 1") == []
        unbalanced = (
            "SELECT payment_id FROM ledger_postings GROUP BY 1 HAVING count(*) <> 2 OR sum(amount_minor) <> 0"
        )
        assert self.rows(unbalanced) == [], "two postings a payment, sum zero"
        posted = "SELECT payment_id FROM payments EXCEPT SELECT payment_id FROM ledger_postings"
        assert self.rows(posted) == [], "every payment is posted"
        self.assert_ordered()

    def assert_ordered(self) -> None:
        """Within each processor and key, deliveries were done in the order of keyseq."""
        done = self.rows(
            "SELECT o.generation_id, e.key, o.ended_at FROM outcomes o"
            " JOIN events e ON e.position = o.position"
            " WHERE o.state = 'done' ORDER BY o.generation_id, e.key, e.keyseq"
        )
        ended = [list(group) for _, group in groupby(done, key=lambda row: row[:2])]
        assert all(group == sorted(group) for group in ended), "effects happen in keyseq order"

    def assert_private(self) -> None:
        """Only the owner can read the database and the archive."""
        for path in [*self.database.parent.glob("ingest.db*"), *self.archive.rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path


def pipeline(root: Path, config: str = CONFIG) -> Pipeline:
    """A fresh project with its store, in `root`; the store is a file, or what PIPELINE_STORE says."""
    (root / "inbox").mkdir(parents=True)
    return _configured(new_url(root / ".ingest"), root, config)


def pipeline_at(url: str, root: Path, config: str = CONFIG) -> Pipeline:
    """A fresh project in `root`, whose store stands at `url`."""
    (root / "inbox").mkdir(parents=True)
    return _configured(url, root, config)


def _configured(url: str, root: Path, config: str) -> Pipeline:
    (root / "ingest.toml").write_text(with_store(config, url), "utf-8")
    return Pipeline(root)


def with_store(config: str, url: str) -> str:
    """The configuration, of a pipeline whose store is at `url`; a file is where it is by default."""
    if url.startswith("sqlite:"):
        return config
    place = f'[store]\nurl = "{url}"\n'
    if "[store]\n" in config:
        return config.replace("[store]\n", place, 1)
    return config.replace("version = 1\n", f"version = 1\n\n{place}", 1)
