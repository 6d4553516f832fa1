"""One bucket as the library for object stores speaks to it, its failures in our words.

Credentials, region and endpoint come from the environment, or from where the
machine itself has them; nothing of them is kept or said here. What the library
says of a failure may hold the id of a key, so it is never passed on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ingest.config import Bucket
from ingest.errors import ExtraMissing, Unreachable

if TYPE_CHECKING:
    from obstore.store import S3Store

BOUND = timedelta(seconds=60)  # for one request, its body included
_CONNECT_BOUND = timedelta(seconds=5)
_RETRIES = 3
_RETRY_BOUND = timedelta(seconds=15)  # after which nothing more is tried: whoever waits for us goes on later
_FIRST_BACKOFF, _LAST_BACKOFF = timedelta(milliseconds=200), timedelta(seconds=2)
_THREADS = "TOKIO_WORKER_THREADS"  # how many the library starts; else one a core

_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_STATUS = re.compile(r"status code: ([1-5][0-9]{2})")
_NO_CREDENTIALS = ("169.254.", "/latest/api/token", "InstanceProfile", "WebIdentity", "TaskCredential")
_ENVIRONMENT = "see AWS_ENDPOINT_URL, AWS_REGION and the network"
_RIGHTS = "see the credentials in the environment, and their rights on the bucket"


class Client:
    """The objects below the prefix of a bucket, by their keys."""

    def __init__(self, bucket: Bucket, *, bound: timedelta = BOUND) -> None:
        self.bucket = bucket
        self._store = _connect(bucket, bound)

    def head(self, key: str) -> tuple[int, datetime]:
        """How large the object is and when it was made; raises `FileNotFoundError`, `Unreachable`."""
        from obstore import head  # noqa: PLC0415  # an extra

        with translated(self.bucket):
            found = head(self._store, key)
        return found["size"], found["last_modified"]

    def get(self, key: str) -> bytes:
        """The bytes of a small object; raises as `head` does, with the store's own word for what is wrong."""
        from obstore import get  # noqa: PLC0415

        with translated(self.bucket):
            return bytes(get(self._store, key).bytes())

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """The object is there; False when one was there before, which was not touched."""
        from obstore import put  # noqa: PLC0415
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        with translated(self.bucket):
            try:
                put(self._store, key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def put(self, key: str, data: bytes) -> None:
        """The object is there and has these bytes."""
        from obstore import put  # noqa: PLC0415

        with translated(self.bucket):
            put(self._store, key, data, mode="overwrite", use_multipart=False)

    def put_stream(self, key: str, parts: Iterator[bytes], *, part: int, at_once: int) -> None:
        """The object is there and has the bytes of all `parts`, or none of them when `parts` raises."""
        from obstore import put  # noqa: PLC0415

        with translated(self.bucket):
            put(self._store, key, parts, use_multipart=True, chunk_size=part, max_concurrency=at_once)

    def delete(self, keys: Sequence[str]) -> None:
        """Nothing is there under these keys; raises `Unreachable`."""
        from obstore import delete  # noqa: PLC0415

        with translated(self.bucket):
            delete(self._store, keys)

    def pieces(self, key: str, *, piece: int) -> Iterator[Any]:
        """The bytes of the object, some at a time; raises `FileNotFoundError`, `Unreachable`."""
        from obstore import get_range  # noqa: PLC0415

        size, _ = self.head(key)
        for start in range(0, size, piece):
            length = min(piece, size - start)
            with translated(self.bucket):
                found = get_range(self._store, key, start=start, length=length)
            if len(found) != length:
                raise Unreachable(
                    f"the archive {self.bucket} gave {len(found)} bytes of {length}", hint=_ENVIRONMENT
                )
            yield found

    def names(self, prefix: str, *, at_once: int) -> Iterator[dict[str, datetime]]:
        """The last parts of the keys below `prefix`, with when they were made, some at a time.

        Raises `Unreachable`.
        """
        from obstore import list as list_  # noqa: PLC0415

        with translated(self.bucket):
            for found in list_(self._store, prefix, chunk_size=at_once):
                yield {each["path"].rpartition("/")[2]: each["last_modified"] for each in found}


@contextmanager
def translated(bucket: Bucket) -> Iterator[None]:
    """Failures of the library are `Unreachable`; an object that is not there is a `FileNotFoundError`."""
    from obstore.exceptions import BaseError  # noqa: PLC0415

    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" not in str(error):
            raise FileNotFoundError(f"nothing in {bucket}") from None
        raise _in_our_words(error, bucket) from None
    except BaseError as error:
        raise _in_our_words(error, bucket) from None


def _in_our_words(error: Exception, bucket: Bucket) -> Unreachable:
    text = str(error)
    code, status = _CODE.search(text), _STATUS.search(text)
    said = " ".join(found[1] for found in (status, code) if found)
    if code and code[1] == "NoSuchBucket":
        return Unreachable(
            f"the archive {bucket} cannot be used: there is no such bucket",
            hint="make the bucket, or correct store.archive; everything goes on by itself",
        )
    if any(word in text for word in _NO_CREDENTIALS):
        return Unreachable(
            f"the archive {bucket} cannot be used: no credentials were found",
            hint="export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role",
        )
    if type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError") or said[:3] in (
        "401",
        "403",
    ):
        return Unreachable(f"the archive {bucket} refuses us: {said or 'no permission'}", hint=_RIGHTS)
    if "builder error" in text:
        return Unreachable(
            f"the archive {bucket} cannot be used: its endpoint is not https, which is not allowed",
            hint="correct AWS_ENDPOINT_URL, or export AWS_ALLOW_HTTP=true within a network you trust",
        )
    answered = f"answers {said}" if said else "does not answer, or not to the end"
    return Unreachable(
        f"the archive {bucket} {answered}", hint=f"{_ENVIRONMENT}; everything goes on by itself"
    )


def _connect(bucket: Bucket, bound: timedelta) -> S3Store:
    try:
        from obstore.store import S3Store  # noqa: PLC0415  # an extra: nobody without such an archive needs it
    except ImportError as error:
        raise ExtraMissing(
            "an archive on object storage needs the extra `s3`", hint="pip install 'ingest[s3]'"
        ) from error
    _start_threads()
    with translated(bucket):
        return S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            client_options={
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes"),
                "connect_timeout": _CONNECT_BOUND,
                "timeout": bound,
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": _RETRY_BOUND,
                "backoff": {"init_backoff": _FIRST_BACKOFF, "max_backoff": _LAST_BACKOFF, "base": 2},
            },
        )


def _start_threads() -> None:
    """The library's few threads run: a process that is to be limited has them before it is."""
    from obstore.store import MemoryStore  # noqa: PLC0415

    given = os.environ.get(_THREADS)
    os.environ[_THREADS] = given or "2"
    try:
        MemoryStore().put("started", b"", use_multipart=False)
    finally:
        if given is None:
            del os.environ[_THREADS]
