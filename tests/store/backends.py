"""The backends that keep the promises of a store; each makes a fresh, empty one.

To prove another backend, add one line to `BACKENDS`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.store.directories import make_private_directory
from ingest.store.engine import Store
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from tests import server
from tests.scratch import kept_folder


def url_in(directory: Path) -> str:
    return f"sqlite:///{directory}/ingest.db"


def sqlite(directory: Path) -> Store:
    """A store in `directory`, which exists."""
    make_store(directory / "ingest.db")
    return open_store(url_in(directory))


def make_store(path: Path) -> None:
    """An empty store stands at `path`, in a private directory, as `create_or_upgrade` would make it."""
    make_private_directory(path.parent)
    shutil.copy(_template(), path)


@cache
def _template() -> Path:
    """An empty store, made by the migrations once for all tests of this process."""
    directory = kept_folder("ingest-template-")
    create_or_upgrade(url_in(directory))
    return directory / "ingest.db"


@contextmanager
def postgresql(directory: Path) -> Iterator[Store]:
    """A store in a database of its own, on the server of this process."""
    with server.database(template_database()) as name, open_store(server.url(name), directory) as store:
        yield store


@cache
def template_database() -> str:
    """An empty store on the server, made by the migrations once for all tests of this process."""
    name = server.new_database()
    create_or_upgrade(server.url(name), Path("/nowhere"))
    return name


Backend = Callable[[Path], AbstractContextManager[Store]]
BACKENDS: dict[str, Backend] = {"sqlite": sqlite, "postgresql": postgresql}


@contextmanager
def fresh(backend: str) -> Iterator[Store]:
    """An empty store that is gone afterwards: for tests that need many, one after another."""
    with TemporaryDirectory() as directory, BACKENDS[backend](Path(directory)) as store:
        yield store
