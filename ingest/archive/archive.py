"""The bytes of everything that landed, by digest: small ones in the store, large ones as objects.

Nothing is handed out before it was hashed again: bytes that are damaged are
refused, never processed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from ingest.archive.directory import DirectoryObjects
from ingest.archive.objects import Objects, never
from ingest.archive.staging import Staging
from ingest.config import Bucket
from ingest.errors import ArchiveDamaged, NotFound, TryAgain
from ingest.store import contents, presence
from ingest.store.engine import Store, Tx

_HINT = "restore it from a backup; `ingest archive verify` lists everything that is damaged"


class Archive:
    """One interface over inline contents and objects."""

    def __init__(self, store: Store, location: Path | Bucket) -> None:
        self.store = store
        self.objects = objects_at(location, local=store.path.parent, is_expected=self._has_objects)

    @property
    def directory(self) -> Path:
        """Where on this host bytes lie: the objects, or those on their way to them."""
        return self.objects.directory

    def open(self, sha256: str) -> BinaryIO:
        """The content with this digest from its beginning, seekable and verified.

        Raises `NotFound` for a digest that never landed, or whose bytes were let go, `ArchiveDamaged`
        when the bytes are missing or are not what they were, `Unreachable` when that cannot be told now.
        """
        with self.store.read() as tx:
            found = contents.find(tx, sha256)
        if found is None:
            raise NotFound(f"nothing with the digest {sha256} has landed", hint="see `ingest events list`")
        if found.retired:
            raise NotFound(
                f"the bytes of {sha256} were let go by retention run {found.retired}",
                hint="land the file again to have them back, or take them from a backup",
            )
        if found.bytes is None:
            return self._open_object(sha256)
        return io.BytesIO(verified(sha256, found.bytes))

    def expect(self, tx: Tx, digests: Sequence[str]) -> None:
        """Each of these, whose bytes had been let go, has its object and keeps it, once `tx` is committed.

        Raises `TryAgain` where it went between being stored and now, or may be going. Ask in the
        transaction that lands them, after `enter_landing`.
        """
        if digests and (self.store.is_removing(tx) or not all(map(self.objects.has, digests))):
            raise TryAgain(
                "bytes that were to land were let go at that moment", hint="the next look lands them"
            )

    def sweep(self) -> list[str]:
        """What watchers of this host that died left half written is gone; returns the names."""
        workers = presence.directory_of(self.store.path)
        return self.objects.staging.sweep(is_dead=lambda owner: presence.is_dead(workers, owner))

    def _has_objects(self) -> bool:
        with self.store.read() as tx:
            return contents.has_objects(tx)

    def _open_object(self, sha256: str) -> BinaryIO:
        try:
            file, found = self.objects.read(sha256)
        except FileNotFoundError as error:
            raise ArchiveDamaged(f"the archived content {sha256} is missing", hint=_HINT) from error
        if found != sha256:
            file.close()
            raise _changed(sha256)
        return file


def objects_at(location: Path | Bucket, *, local: Path, is_expected: Callable[[], bool] = never) -> Objects:
    """The objects in a directory, or in a bucket; `local` is where this host keeps what is on its way there.

    Raises `ExtraMissing` where a bucket needs what is not installed.
    """
    if isinstance(location, Path):
        return DirectoryObjects(location, is_expected=is_expected)
    from ingest.archive.bucket import BucketObjects  # noqa: PLC0415  # an extra, slow to load

    return BucketObjects(location, Staging(local / "outgoing"), is_expected=is_expected)


def verified(sha256: str, data: bytes) -> bytes:
    """`data`, which hashes to `sha256`; raises `ArchiveDamaged` when it does not."""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _changed(sha256)
    return data


def _changed(sha256: str) -> ArchiveDamaged:
    return ArchiveDamaged(f"the archived content {sha256} is not what it was", hint=_HINT)
