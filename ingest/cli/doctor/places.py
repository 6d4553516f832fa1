"""The directories of a pipeline: the store's, the archive's, and those that partners fill."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ingest.cli import wiring
from ingest.cli.doctor import machine
from ingest.cli.doctor.findings import Finding, failed, ill, well
from ingest.config import Settings, SourceSettings, database_file, exposed
from ingest.domain.showing import show
from ingest.errors import IngestError
from ingest.filesystems import filesystem_of, is_remote
from ingest.store.reading.reports import SourceStatus
from ingest.watch.seeing.notify import is_supported


def of_store(held: Settings) -> Iterator[Finding]:
    """The directory of the database and that of the archive."""
    database = database_file(held.store)
    kind = filesystem_of(database)
    yield from machine.room("store", "directory", database.parent)
    if is_remote(kind):
        yield ill(
            "store",
            "filesystem",
            f"{database.parent} is on {kind}, where SQLite's locks cannot be trusted",
            "put store.url on a local disk",
        )
    yield from _writable(database.parent)
    yield from machine.privacy("store", database)
    yield from _of_archive(held)


def _of_archive(held: Settings) -> Iterator[Finding]:
    """The directory of the archive, or whether its bucket answers."""
    archive = held.store.archive
    if isinstance(archive, Path):
        yield from _writable(archive)
        yield from machine.privacy("store", archive)
        yield from machine.room("archive", "directory", archive)
        return
    try:
        is_begun = wiring.objects_of(held).are_there()
    except IngestError as error:
        yield failed("archive", "bucket", error)
    else:
        yield well("archive", "bucket", f"{archive} answers" + ("" if is_begun else "; nothing is in it yet"))


def of_settings(held: Settings) -> Iterator[Finding]:
    """The file of the settings, and whether it tells secrets."""
    yield well("configuration", "file", show(os.fsencode(held.file)))
    if secrets := exposed(held):
        yield ill(
            "configuration",
            "secrets",
            f"{held.file} holds secrets ({', '.join(secrets)}), and others may read it",
            f"chmod 600 {held.file}",
        )


def of_sources(held: Settings, seen: Sequence[SourceStatus]) -> Iterator[Finding]:
    """Each source: how it is watched, how its files are known to be whole, and whether it can be used."""
    known = {status.name: status for status in seen}
    for source in held.sources:
        yield from _source(source, known)


def _source(source: SourceSettings, known: Mapping[str, SourceStatus]) -> Iterator[Finding]:
    name, kind = source.name, filesystem_of(source.path)
    status = known.get(name)
    proof = status.proof if status is not None and status.proof else f"{source.complete}, not watched yet"
    is_notified = source.mode != "poll" and is_supported() and not (source.mode == "auto" and is_remote(kind))
    how = "notifications" if is_notified else "polling"
    yield from machine.room("source", name, source.path)
    yield well("source", f"{name}: whole by", f"{proof}; by {how}")
    yield from _usable(source)


def _usable(source: SourceSettings) -> Iterator[Finding]:
    name, path = source.name, source.path
    if not path.is_dir():
        yield ill("source", name, f"{path} is not a directory", "make it, or correct path in ingest.toml")
        return
    if not machine.may(path, os.R_OK | os.X_OK):
        yield ill("source", name, f"{path} cannot be read", "allow this user to read it")
    if source.after == "keep":
        return
    if not machine.may(path, os.W_OK | os.X_OK):
        said = f'files are to leave it (after = "{source.after}"), and it cannot be written'
        yield ill("source", name, said, 'allow this user to write there, or set after = "keep"')
    if source.moves_to is not None:
        yield from _writable(source.moves_to, area="source", name=name)


def _writable(path: Path, *, area: str = "store", name: str = "permissions") -> Iterator[Finding]:
    """A problem where this user can write neither there nor where it would be made."""
    standing = path
    while not standing.exists() and standing != standing.parent:
        standing = standing.parent
    if not machine.may(standing, os.W_OK | os.X_OK):
        yield ill(area, name, f"{standing} cannot be written", "give it to the user that runs ingest")
