"""Large contents as objects of an S3-compatible store.

    <prefix>/ingest-archive             the archive was begun here
    <prefix>/sha256/ab/<digest>         whole, never written again while it is sound

A digest is known only when a file has been read, so contents are staged on a
disk of this host first. An object store shows an object only once it is whole;
what stands under the name already is read and hashed before it is believed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import BinaryIO

from ingest.archive.client import Client
from ingest.archive.objects import Objects, never
from ingest.archive.staging import Abandoned, Staged, Staging, cannot_write
from ingest.config import Bucket
from ingest.errors import CannotWrite, Unreachable

_log = logging.getLogger(__name__)

PIECE = 8 << 20  # bytes sent or fetched in one request; what is not larger is sent as a whole
_MOST_PARTS = 10_000  # of one upload, by the rules of S3
_AT_ONCE = 4  # requests that carry bytes
_LISTED = 100  # names in hand at once
_FIRST_REST, _LONGEST_REST = 1.0, 30.0  # seconds without a try after one that failed
_MARK = "ingest-archive"
_MARK_SAYS = b"Contents below sha256/ are archived by ingest; none of them is ever changed.\n"


class BucketObjects(Objects):
    """The objects below the prefix of a bucket."""

    # Clocks differ, and S3 says of a large object when its upload began.
    grace = 3600.0

    def __init__(
        self,
        bucket: Bucket,
        staging: Staging,
        *,
        is_expected: Callable[[], bool] = never,
        client: Client | None = None,
    ) -> None:
        super().__init__(staging, is_expected=is_expected)
        self._bucket = bucket
        self._client = client or Client(bucket)
        self._is_begun = False
        self._listed: dict[str, datetime] = {}  # those that were listed last, and when each was made
        self._failures, self._rests_until, self._refusal = 0, 0.0, ""

    @property
    def place(self) -> str:
        """The address, which holds no credentials."""
        return str(self._bucket)

    def are_there(self) -> bool:
        """True when the bucket has the mark of an archive."""
        try:
            self._client.get(_MARK)
        except FileNotFoundError:
            return False
        return True

    def begin(self) -> None:
        """The mark is there."""
        try:
            self._client.put_if_absent(_MARK, _MARK_SAYS)
        except (Unreachable, FileNotFoundError) as error:
            raise _cannot_store(error) from error

    def stage(self, source: int, owner: str, *, expected: int, should_stop: Callable[[], bool]) -> Staged:
        """Nothing is copied while the store rests: what cannot be stored need not be read."""
        if time.monotonic() < self._rests_until:
            raise CannotWrite(self._refusal, hint="everything goes on by itself")
        if not self.staging.is_made():
            self._make_staging()
        return self.staging.stage(source, owner, expected=expected, should_stop=should_stop)

    def store(self, staged: Sequence[Staged], *, should_stop: Callable[[], bool] = never) -> None:
        """The store has acknowledged every one of them; after a failure it is left alone for a while."""
        if not staged:
            return
        try:
            self._put_all(list({s.sha256: s for s in staged}.values()), should_stop)
        except (Unreachable, FileNotFoundError, CannotWrite) as error:
            refusal = error if isinstance(error, CannotWrite) else _cannot_store(error)
            self._rest(refusal.message)
            raise refusal from error
        finally:
            self.discard(staged)
        self._failures = 0

    def read(self, sha256: str) -> tuple[BinaryIO, str]:
        """A copy without a name on this host's disk, hashed on its way, fetched again if it is wrong."""
        try:
            file, found = self._fetch(sha256)
            if found != sha256:  # perhaps on its way only
                file.close()
                file, found = self._fetch(sha256)
        except OSError as error:
            self._judge(error)
            raise
        return file, found

    def digest_of(self, sha256: str) -> str:
        """Of the bytes as they come; a store that fails says nothing of them."""
        try:
            return self._hash(sha256)
        except FileNotFoundError as error:
            self._judge(error)
            raise

    def shards(self) -> Iterator[list[str]]:
        """As the store lists them."""
        for found in self._client.names("sha256", at_once=_LISTED):
            self._listed = found
            yield list(found)

    def changed_at(self, sha256: str) -> float:
        """By the store's clock."""
        listed = self._listed.get(sha256)
        return (listed or self._client.head(_key(sha256))[1]).timestamp()

    def has(self, sha256: str) -> bool:
        """As the store says."""
        return self._is_there(_key(sha256))

    def remove(self, digests: Sequence[str]) -> None:
        """The store has deleted them; a bucket with versions keeps what they were."""
        try:
            self._client.delete([_key(sha256) for sha256 in digests])
        except (Unreachable, FileNotFoundError) as error:
            raise _cannot_store(error) from error

    def _put_all(self, staged: Sequence[Staged], should_stop: Callable[[], bool]) -> None:
        if not self._is_begun:
            self.make_directories()
            self._is_begun = True
        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(staged))) as pool:
            list(pool.map(self._put_whole, [s for s in staged if s.size <= PIECE]))
            for s in staged:
                if s.size > PIECE:
                    # In a thread, though one after the other: here we can be told to leave at once.
                    pool.submit(self._put_in_parts, s, should_stop).result()

    def _put_whole(self, staged: Staged) -> None:
        data = b"".join(_parts(staged, never))
        if not self._client.put_if_absent(_key(staged.sha256), data) and not self._is_sound(staged):
            self._client.put(_key(staged.sha256), data)

    def _put_in_parts(self, staged: Staged, should_stop: Callable[[], bool]) -> None:
        key = _key(staged.sha256)
        if self._is_there(key) and self._is_sound(staged):
            return
        part = max(PIECE, -(-staged.size // _MOST_PARTS))
        self._client.put_stream(key, _parts(staged, should_stop), part=part, at_once=_AT_ONCE)
        size, _ = self._client.head(key)
        if size != staged.size:
            raise CannotWrite(
                f"the archive {self.place} has {size} bytes of {staged.size} under {staged.sha256}",
                hint="see to the object store; it is tried again",
            )

    def _is_there(self, key: str) -> bool:
        try:
            self._client.head(key)
        except FileNotFoundError:
            return False
        return True

    def _is_sound(self, staged: Staged) -> bool:
        """True when what stands under the name has the bytes of the name."""
        if self._hash(staged.sha256) == staged.sha256:
            return True
        _log.warning("the archived content %s was damaged; it is whole again", staged.sha256)
        return False

    def _hash(self, sha256: str) -> str:
        hasher = hashlib.sha256()
        for piece in self._client.pieces(_key(sha256), piece=PIECE):
            hasher.update(piece)
        return hasher.hexdigest()

    def _fetch(self, sha256: str) -> tuple[BinaryIO, str]:
        hasher, file = hashlib.sha256(), _unnamed()
        try:
            for piece in self._client.pieces(_key(sha256), piece=PIECE):
                hasher.update(piece)
                file.write(piece)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file, hasher.hexdigest()

    def _judge(self, error: OSError) -> None:
        """Raises our own error, unless an object is missing from an archive that is there."""
        if not isinstance(error, FileNotFoundError):
            raise cannot_write(tempfile.gettempdir(), error) from error
        if not self.are_there():
            raise Unreachable(
                f"there is no archive at {self.place}",
                hint="correct store.archive, or restore the bucket; everything goes on by itself",
            ) from error

    def _rest(self, refusal: str) -> None:
        pause = min(_FIRST_REST * 2 ** min(self._failures, 10), _LONGEST_REST)
        self._failures += 1
        self._rests_until, self._refusal = time.monotonic() + pause, refusal


def _unnamed() -> BinaryIO:
    """A file that goes with whoever has it open."""
    return tempfile.TemporaryFile()  # the caller closes it


def _parts(staged: Staged, should_stop: Callable[[], bool]) -> Iterator[bytes]:
    """The staged bytes; raises after the last of them where they are not those that were hashed."""
    hasher, at = hashlib.sha256(), 0
    while at < staged.size:
        if should_stop():
            raise Abandoned
        part = _read(staged, at)
        hasher.update(part)
        at += len(part)
        yield part
    if hasher.hexdigest() != staged.sha256:
        raise CannotWrite(
            f"what was staged in {staged.tmp.parent} is not what it was",
            hint="see to the disk; it is read and staged again",
        )


def _read(staged: Staged, at: int) -> bytes:
    try:
        part = os.pread(staged.handle, PIECE, at)
    except OSError as error:
        raise cannot_write(staged.tmp.parent, error) from error
    return part or b"\0" * (staged.size - at)  # it was cut short: the digest tells


def _key(sha256: str) -> str:
    return f"sha256/{sha256[:2]}/{sha256}"


def _cannot_store(error: Exception) -> CannotWrite:
    if isinstance(error, Unreachable):
        return CannotWrite(error.message, hint=error.hint)
    return CannotWrite(str(error), hint="see to the object store; it is tried again")
