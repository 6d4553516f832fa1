"""A real inbox and its store, landed in-process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.archive import Archive
from ingest.config import load
from ingest.domain.codec import decode
from ingest.store.engine import Store, open_store
from ingest.store.migrate import create_or_upgrade
from ingest.watch.loop import Summary, watch_once

CONFIG = """\
version = 1

[[source]]
name = "acme"
path = "inbox"
quiet = "50ms"
complete = "{complete}"
"""


class Never:
    """Nobody asks to stop."""

    def is_set(self) -> bool:
        return False

    def is_urgent(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  # as it is called
        return False


@dataclass(slots=True)
class Inbox:
    """A folder in which partners drop files."""

    root: Path
    store: Store
    complete: str = "renamed"

    @property
    def folder(self) -> Path:
        return self.root / "inbox"

    @property
    def archive(self) -> Archive:
        return Archive(self.store, self.root / ".ingest" / "archive")

    def drop(self, name: str | bytes, data: bytes) -> None:
        """The file is there, whole, in place of what was under its name."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(".part")
        part.write_bytes(data)
        part.rename(path)

    def path(self, name: str | bytes) -> Path:
        text = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
        return self.folder / text

    def land(self) -> Summary:
        """What `ingest watch --once` would do."""
        (self.root / "ingest.toml").write_text(CONFIG.format(complete=self.complete))
        settings = load(self.root / "ingest.toml", env={})
        return watch_once(self.store, self.archive, settings, stop=Never())

    def facts(self) -> list[dict[str, Any]]:
        """The data of every event, in the order of the log."""
        with self.store.read() as tx:
            bodies = tx.exec_driver_sql("SELECT body FROM events ORDER BY position").scalars().all()
        return [dict(decode(body).data) for body in bodies]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the query finds."""
        with self.store.read() as tx:
            return [tuple(row) for row in tx.exec_driver_sql(query)]


def inbox(root: Path) -> Inbox:
    """A fresh one in `root`."""
    (root / "inbox").mkdir(parents=True)
    url = f"sqlite:///{root}/.ingest/ingest.db"
    create_or_upgrade(url)
    return Inbox(root, open_store(url))
