"""A pipeline on real directories and a real store, and what tests do to it and ask of it."""

from __future__ import annotations

import codecs
import os
import resource
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import text

from ingest.archive import Archive
from ingest.config import Bucket, Settings, SourceSettings, StoreSettings, WorkSettings
from ingest.domain import codec
from ingest.domain.events import Event
from ingest.store.directories import make_private_directory
from ingest.store.engine import Store
from ingest.watch import loop
from ingest.watch.once import Summary, watch_once
from tests.patience import PATIENCE
from tests.store.backends import BACKENDS, chosen

SMALL, LARGE = 1000, 5000  # bytes, below and above `inline_max`
LANDED = "SELECT path, version FROM landings ORDER BY position"


@dataclass(slots=True)
class Place:
    """One pipeline; `settings` may be replaced before a run."""

    root: Path
    store: Store
    archive: Archive
    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def inbox(self) -> Path:
        return self.settings.sources[0].path

    def set(self, **changes: Any) -> None:
        """The first source has other settings from now on."""
        first, *others = self.settings.sources
        self.settings = replace(self.settings, sources=(replace(first, **changes), *others))

    def drop(self, name: str | bytes, data: bytes = b"a,b\n1,2\n") -> Path:
        """A file stands whole in the inbox: renamed into it, as a partner's transfer would do."""
        path = self.inbox / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        outside = self.root / "outside"
        outside.write_bytes(data)
        outside.rename(path)
        return path

    def now(self) -> datetime:
        return datetime.now(UTC)

    def once(self) -> Summary:
        return watch_once(self.store, self.archive, self.settings, stop=self.stop)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A watcher runs beside the block; an error of its own is raised at the end."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                loop.watch(self.store, self.archive, self.settings, stop=self.stop)
            except BaseException as error:  # noqa: BLE001  # raised again below
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            self.stop.set()
            thread.join(PATIENCE)
            assert not thread.is_alive()
            self.stop.clear()
        if failed:
            raise failed[0]

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.store.read() as tx:
            return [tuple(row) for row in tx.execute(text(sql), values)]

    def one(self, sql: str, **values: Any) -> Any:
        ((value,),) = self.rows(sql, **values)
        return value

    def events(self) -> list[Event]:
        return [
            codec.decode(body, keyseq)
            for body, keyseq in self.rows("SELECT body, keyseq FROM events ORDER BY position")
        ]

    def landed(self) -> list[tuple[bytes, int]]:
        """Path and version of every landing, in the order in which they happened."""
        return [(path, version) for path, version in self.rows(LANDED)]

    def objects(self) -> list[str]:
        return sorted(chain.from_iterable(self.archive.objects.shards()))

    def unfinished(self) -> list[str]:
        return [name for name, _ in self.archive.objects.staging.unfinished()]


@contextmanager
def new_place(
    root: Path, *, quiet: float = 0, archive: Path | Bucket | None = None, backend: str = ""
) -> Iterator[Place]:
    inbox = root / "inbox"
    inbox.mkdir()
    local = root / ".ingest"
    make_private_directory(local)
    with BACKENDS[backend or chosen()](local) as store:
        settings = Settings(
            file=root / "ingest.toml",
            store=StoreSettings(url=store.url, archive=archive or local / "archive", inline_max=2000),
            work=WorkSettings(lease=timedelta(seconds=3)),
            sources=(SourceSettings(name="acme", path=inbox, quiet=timedelta(seconds=quiet)),),
        )
        yield Place(root, store, Archive(store, settings.store.archive), settings)


def until(claim: Callable[[], bool]) -> None:
    """Return once `claim` holds."""
    deadline = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.01)


def age(path: Path, *, seconds: float) -> None:
    """Return once the file has not changed for so long, by its ctime."""
    until(lambda: time.time() - path.lstat().st_ctime >= seconds)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def full_disk(*, room: int = 200) -> Iterator[None]:
    """No file can grow beyond `room` bytes while the block runs: the system refuses every such write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def as_nobody() -> Iterator[None]:
    """The block has no special rights, also where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    codecs.lookup("ascii")  # one that the driver looks for where it cannot be read is unknown ever after
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
