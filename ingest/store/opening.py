"""Where a store is, and opening it: a file only on a local disk, any only at the schema spoken here."""

from __future__ import annotations

import os
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

from ingest.config import is_on_server, mask_url
from ingest.errors import CannotWrite, StoreMissing, StoreUnusable
from ingest.filesystems import filesystem_of, is_remote
from ingest.store.directories import make_private_directory
from ingest.store.engine import Store, revision_in
from ingest.store.moved import MOVED
from ingest.store.sqlite.engine import SqliteStore
from ingest.store.sqlite.soundness import AT_START, damage
from ingest.store.sqlite.translating import damaged_or_refused, translated

_SCHEME = "sqlite:///"


def database_path(url: str) -> Path:
    """The file that a SQLite URL names."""
    name = url.removeprefix(_SCHEME)
    if name in ("", url):
        raise StoreUnusable(
            "the store's url does not name a SQLite file", hint="write sqlite:///path/to/ingest.db"
        )
    return Path(name)


def place_of(url: str) -> str:
    """Where a store is, as it may be shown."""
    return mask_url(url) if is_on_server(url) else str(database_path(url))


def connected(url: str, local: Path | None = None) -> Store:
    """The store at `url`, at whatever schema it stands; `local` as for `open_store`."""
    if not is_on_server(url):
        return SqliteStore(url, database_path(url))
    if local is None:
        msg = "a store on a server needs a directory of this host"
        raise TypeError(msg)
    from ingest.store.postgresql.engine import PostgresqlStore  # noqa: PLC0415  # slow to load, seldom needed

    return PostgresqlStore(url, local)


def open_store(url: str, local: Path | None = None) -> Store:
    """The store at `url`, whose schema is the one this version speaks.

    `local` is where those who use a store on a server show, on this host, that
    they are alive; a file's users show it beside the file. Raises
    `StoreUnusable` when it is older or newer than this version, and as
    `standing` does.
    """
    return _checked(standing(url, local), methodcaller("refuse_other_schema"))


def standing(url: str, local: Path | None = None) -> Store:
    """The store at `url`, at whatever schema it stands; `local` as for `open_store`.

    Raises `StoreMissing` when there is none, `StoreUnusable` when it is on a
    network filesystem or is no database.
    """
    if not is_on_server(url):
        path = database_path(url)
        if not path.exists():
            raise _missing(url)
        _refuse_remote(path)
    return _checked(connected(url, local), _refuse_empty)


def _checked(store: Store, check: Callable[[Store], None]) -> Store:
    try:
        check(store)
    except BaseException:
        store.close()
        raise
    return store


def _refuse_empty(store: Store) -> None:
    if revision(store) is None:
        raise _missing(store.url)


def _missing(url: str) -> StoreMissing:
    return StoreMissing(
        f"there is no store at {place_of(url)}", hint="run `ingest init`, or `ingest db upgrade`"
    )


def create_file(path: Path) -> None:
    """An empty private file at `path`, in a private directory, whatever the umask.

    Raises `CannotWrite` when that is not possible, `StoreUnusable` on a network filesystem.
    """
    try:
        make_private_directory(path.parent)
        _refuse_remote(path.parent)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.fchmod(handle, 0o600)
        os.close(handle)
    except FileExistsError:
        return
    except OSError as error:
        raise CannotWrite(
            f"cannot create {path}: {error.strerror}", hint="check the directory's permissions"
        ) from error


def refuse_damage(store: Store) -> None:
    """Raise `StoreUnusable` when half a second of checking a file finds damage: fail closed."""
    if not isinstance(store, SqliteStore):
        return
    with translated(store.path):
        found = damage(store.path, seconds=AT_START)
    if found:
        raise damaged_or_refused(store.path, found.splitlines()[-1])


def revision(store: Store) -> str | None:
    """The migration the store stands at; None for an empty database."""
    with store.read() as tx:
        return revision_in(tx)


def is_moved(store: Store) -> bool:
    """True when the store was moved to another database."""
    return revision(store) == MOVED


def _refuse_remote(path: Path) -> None:
    kind = filesystem_of(path)
    if is_remote(kind):
        raise StoreUnusable(
            f"{path} is on {kind}, where SQLite's locks cannot be trusted",
            hint="put store.url on a local disk",
        )
