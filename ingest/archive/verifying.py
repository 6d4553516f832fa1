"""Proving the archive: every content is re-hashed, and what lies there without reason is named."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from ingest.archive.archive import Archive
from ingest.errors import UsageError
from ingest.store import contents, presence
from ingest.store.contents import Entry
from ingest.store.dialect import chunks

_GROUP = 8 << 20  # bytes of inline contents read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a verification found."""

    checked: int  # contents re-hashed
    bytes: int  # their size together
    missing: list[str]  # digests whose object is not there
    damaged: list[str]  # digests whose bytes are not what they were
    orphans: list[str]  # objects that nothing in the store knows
    unfinished: list[str]  # files in tmp whose owner is dead

    @property
    def is_sound(self) -> bool:
        """True when everything that landed can be read back."""
        return not self.missing and not self.damaged


def verify(
    archive: Archive,
    subset: tuple[int, int] = (1, 1),
    *,
    grace: float | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Every content of part N of M, cut by digest, was hashed again; (1, 1) is all of them.

    Memory stays flat; no transaction is held while objects are read. An
    object younger than `grace` seconds may be about to land: it is no orphan.
    Raises `Unreachable` when objects cannot be read and nobody can tell whether they are there.
    `advance` hears how many bytes more were hashed.
    """
    number, parts = subset
    if not 1 <= number <= parts:
        raise UsageError(
            f"there is no part {number} of {parts}", hint="write --subset N/M with N from 1 to M"
        )

    def is_in(sha256: str) -> bool:
        return int(sha256[:8], 16) % parts == number - 1

    checked, size, missing, damaged = 0, 0, list[str](), list[str]()
    for entry, found in _rehashed(archive, is_in):
        checked, size = checked + 1, size + entry.size
        if found is None:
            missing.append(entry.sha256)
        elif found != entry.sha256:
            damaged.append(entry.sha256)
        advance(entry.size)
    return Verification(
        checked=checked,
        bytes=size,
        missing=missing,
        damaged=damaged,
        orphans=list(_orphans(archive, time.time() - (archive.objects.grace if grace is None else grace))),
        unfinished=_unfinished(archive),
    )


def _rehashed(archive: Archive, is_in: Callable[[str], bool]) -> Iterator[tuple[Entry, str | None]]:
    """Each content with the digest its bytes have now, or None where they are missing."""
    for entries in _pages(archive):
        wanted = [entry for entry in entries if is_in(entry.sha256)]
        for group in _grouped([entry for entry in wanted if entry.is_inline]):
            with archive.store.read() as tx:
                found = contents.read_many(tx, [entry.sha256 for entry in group])
            for entry in group:
                data = found.get(entry.sha256)
                yield entry, None if data is None else hashlib.sha256(data).hexdigest()
        for entry in wanted:
            if not entry.is_inline:
                yield entry, _digest_of_object(archive, entry.sha256)


def _pages(archive: Archive) -> Iterator[list[Entry]]:
    after = ""
    while True:
        with archive.store.read() as tx:
            entries = contents.page(tx, after)
        if not entries:
            return
        yield entries
        after = entries[-1].sha256


def _grouped(entries: list[Entry]) -> Iterator[list[Entry]]:
    group, size = list[Entry](), 0
    for entry in entries:
        if group and size + entry.size > _GROUP:
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.size
    if group:
        yield group


def _digest_of_object(archive: Archive, sha256: str) -> str | None:
    try:
        return archive.objects.digest_of(sha256)
    except FileNotFoundError:
        return None


def _orphans(archive: Archive, settled: float) -> Iterator[str]:
    """Objects without a landing that stand since before `settled`, in seconds since 1970."""
    for shard in archive.objects.shards():
        for chunk in chunks(shard):
            with archive.store.read() as tx:
                known = contents.known(tx, chunk)
            yield from (name for name in chunk if name not in known and _is_settled(archive, name, settled))


def _is_settled(archive: Archive, sha256: str, settled: float) -> bool:
    with suppress(FileNotFoundError):
        return archive.objects.changed_at(sha256) <= settled
    return False


def _unfinished(archive: Archive) -> list[str]:
    workers = presence.directory_of(archive.store.path)
    return [name for name, owner in archive.objects.staging.unfinished() if presence.is_dead(workers, owner)]
