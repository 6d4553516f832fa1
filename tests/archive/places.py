"""The places that keep the promises of an archive, and what tests do in them behind its back.

To prove another, add one line to `PLACES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.archive.directory import DirectoryObjects
from ingest.config import Bucket
from tests import objectstore
from tests.objectstore import ask


@dataclass(frozen=True)
class Behind:
    """The objects of an archive, as nobody but a test sees them."""

    location: Path | Bucket
    get: Callable[[str], bytes]
    put: Callable[[str, bytes], object]
    remove: Callable[[str], object]

    def spoil(self, sha256: str) -> None:
        self.put(sha256, b"!" + self.get(sha256)[1:])


@contextmanager
def directory(root: Path) -> Iterator[Behind]:
    objects = DirectoryObjects(root)

    def put(sha256: str, data: bytes) -> None:
        path = objects.path_of(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    yield Behind(
        location=root,
        get=lambda sha256: objects.path_of(sha256).read_bytes(),
        put=put,
        remove=lambda sha256: objects.path_of(sha256).unlink(),
    )


@contextmanager
def bucket(_root: Path) -> Iterator[Behind]:
    location = objectstore.new_location()
    with reached_at(objectstore.endpoint()):
        yield behind(location)


@contextmanager
def reached_at(url: str) -> Iterator[None]:
    """The environment leads to the object store at this address."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in objectstore.environment(url).items():
            patch.setenv(name, value)
        yield


def behind(location: Bucket) -> Behind:
    def key(sha256: str) -> str:
        return f"{location.name}/{location.prefix}/sha256/{sha256[:2]}/{sha256}"

    return Behind(
        location=location,
        get=lambda sha256: ask("GET", key(sha256)),
        put=lambda sha256, data: ask("PUT", key(sha256), data),
        remove=lambda sha256: ask("DELETE", key(sha256)),
    )


PLACES: dict[str, Callable[[Path], AbstractContextManager[Behind]]] = {
    "directory": directory,
    "bucket": bucket,
}
