"""The composition root: from flags to settings, store and archive, which only some commands may make."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.archive import Archive, Objects, objects_at
from ingest.cli.given import Given
from ingest.config import FILE_NAME, Settings, database_file, exposed, find_file, is_on_server, load
from ingest.domain.showing import show
from ingest.errors import StoreMissing, StoreUnusable, UsageError
from ingest.notices import giving
from ingest.notices.giving import Service
from ingest.store import presence
from ingest.store.directories import open_to_others
from ingest.store.engine import Store
from ingest.store.opening import connected, open_store, place_of, refuse_damage, revision, standing

Flags = Mapping[str, object]

_LONGEST = 3_650 * 86_400  # seconds: ten years

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """An open pipeline: what holds, the store, and the archive."""

    settings: Settings
    store: Store
    archive: Archive

    def processors_dir(self, named: Path | None = None) -> Path:
        """Where the user's processors are: `named`, else beside ingest.toml."""
        return processors_dir(self.settings, named)

    def is_dead(self) -> Callable[[str, str], bool]:
        """Whether a worker, given its id and host, is proved dead: only this host's can be."""
        directory, here = presence.directory_of(self.store.path), presence.host()
        return lambda worker, host: host == here and presence.is_dead(directory, worker)


def settings(given: Given, flags: Flags | None = None) -> Settings:
    """The settings that hold for this command line."""
    return load(Path(given.config) if given.config else None, env=os.environ, flags=flags)


def settings_or_defaults(given: Given) -> Settings:
    """As `settings`; those of no pipeline where no ingest.toml is named or found."""
    try:
        find_file(Path(given.config) if given.config else None, env=os.environ)
    except UsageError:
        return Settings(file=Path.cwd() / FILE_NAME)
    return settings(given)


def warn_of_secrets(held: Settings) -> None:
    """It is said when others may read secrets in the settings: at a start, and where they are checked."""
    if secrets := exposed(held):
        _log.warning(
            "%s holds secrets (%s), and others than its owner may read it: chmod 600",
            held.file,
            ", ".join(secrets),
        )


@contextmanager
def opened(given: Given, flags: Flags | None = None) -> Iterator[Pipeline]:
    """The pipeline, whose store stands; raises `StoreUnusable` when it does not."""
    held = settings(given, flags)
    with _pipeline(held, _or_lost(held, open_store)) as pipeline:
        yield pipeline


@contextmanager
def created(given: Given, flags: Flags | None = None, *, is_first: bool = True) -> Iterator[Pipeline]:
    """The pipeline; store and archive are made when both are missing.

    What others may read is warned of, unless whoever started this process has done so: `is_first` is false.
    """
    held = settings(given, flags)
    make_missing(held)
    with _pipeline(held, open_store(held.store.url, held.store.local)) as pipeline:
        refuse_damage(pipeline.store)
        if is_first:
            warn_of_secrets(held)
            _warn_if_open(pipeline)
        yield pipeline


def make_missing(held: Settings) -> bool:
    """Store and archive stand; True when they were made.

    Raises `StoreUnusable` for an archive without its store: making a new one
    would hide what was lost.
    """
    if not _is_missing(held):
        return False
    if _has_archive(held) and _is_missing(held):  # asked again: another process makes both, the store first
        raise _lost(held)
    from ingest.store.migrate import create_or_upgrade  # Alembic is slow to load and seldom needed

    create_or_upgrade(held.store.url, held.store.local)
    objects_of(held).begin()
    return True


def _or_lost(held: Settings, opening: Callable[[str, Path], Store]) -> Store:
    """The store; where only the archive stands, nobody is told to make a new store."""
    try:
        return opening(held.store.url, held.store.local)
    except StoreMissing as error:
        raise _lost(held) if _has_archive(held) else error from None


def objects_of(held: Settings) -> Objects:
    """Where large contents are kept, also while there is no store."""
    return objects_at(held.store.archive, local=database_file(held.store).parent)


def _has_archive(held: Settings) -> bool:
    """True when the archive was begun, as far as can be seen from here.

    Beside a file its directory is enough, for whoever lost them may have lost what was in it. Beside
    a server it may be the place where a disk that hosts share is mounted.
    """
    archive = held.store.archive
    if isinstance(archive, Path) and not is_on_server(held.store.url):
        return archive.is_dir()
    return objects_of(held).are_there()


def _lost(held: Settings) -> StoreUnusable:
    place = place_of(held.store.url)
    return StoreUnusable(
        f"the archive {held.store.archive} stands, and its store {place} is missing or empty",
        hint="restore the store from a backup, or move the archive away to begin anew",
    )


def existing(held: Settings) -> Store:
    """The store at whatever schema it stands; raises `StoreUnusable` where there is none."""
    return _or_lost(held, standing)


def at(given: Given, url: str) -> Store:
    """The store at `url`, read as store.url in ingest.toml would be, at whatever schema it stands."""
    there = settings(given, {"store.url": url}).store
    return connected(there.url, there.local)


def processors_dir(held: Settings, named: Path | None = None) -> Path:
    """Where the user's processors are: `named`, which must be there, else beside ingest.toml."""
    if named is None:
        return held.file.parent / "processors"
    if not named.is_dir():
        raise UsageError(f"{show(str(named))} is no folder", hint="name the one that processors are in")
    return named.absolute()


def watch_flags(*, mode: str | None, quiet: float | None) -> Flags:
    """What the flags of `watch` set for every source."""
    return {"source.mode": mode, "source.quiet": _seconds("--quiet", quiet)}


def work_flags(*, concurrency: int | None, shutdown_timeout: float | None) -> Flags:
    """What the flags of `work` set."""
    return {
        "work.concurrency": concurrency,
        "work.shutdown_timeout": _seconds("--shutdown-timeout", shutdown_timeout),
    }


def service() -> Service:
    """How whoever started this process is told of it; nothing that it starts can speak for it."""
    return giving.service(os.environ)


def now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def _seconds(flag: str, value: float | None) -> str | None:
    """As ingest.toml would write it; raises `UsageError` for what is no span of time."""
    if value is None:
        return None
    if not 0 <= value <= _LONGEST:
        raise UsageError(f"{flag} {value:g} is no span of time", hint="write seconds, such as 2 or 0.5")
    return f"{value:.3f}s"


@contextmanager
def _pipeline(held: Settings, store: Store) -> Iterator[Pipeline]:
    with store:
        yield Pipeline(settings=held, store=store, archive=Archive(store, held.store.archive))


def _warn_if_open(pipeline: Pipeline) -> None:
    for path in (pipeline.store.path, pipeline.archive.directory):
        if open_to_others(path):
            _log.warning("%s can be read by others; take their permissions away (chmod go=)", path)


def _is_missing(held: Settings) -> bool:
    """True when nothing was ever committed there: no file, or one that its maker has not come to fill.

    Raises `Unreachable` where the server does not say.
    """
    if not (is_on_server(held.store.url) or database_file(held.store).exists()):
        return True
    with connected(held.store.url, held.store.local) as store:
        return revision(store) is None
