"""What every place for large contents promises, whatever it is: a directory, or a bucket of an object store.

An object is named by its digest. It is whole before it has that name, it is
there to stay before its event commits, and it is never modified again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar

from ingest.archive.staging import Staged, Staging, cannot_write
from ingest.errors import CannotWrite


def never() -> bool:
    """Nobody is to stop."""
    return False


class Objects(ABC):
    """The archived objects, and what is on its way to become one."""

    grace: ClassVar[float]  # seconds for which an object may seem to stand before the commit of its landing

    def __init__(self, staging: Staging, *, is_expected: Callable[[], bool] = never) -> None:
        self.staging = staging
        self._is_expected = is_expected  # objects were stored before: then no new archive is begun

    @property
    def directory(self) -> Path:
        """Where on this host bytes lie: the objects, or those on their way to them."""
        return self.staging.directory

    @property
    @abstractmethod
    def place(self) -> str:
        """What the archive is called in messages; never with a secret."""

    @abstractmethod
    def are_there(self) -> bool:
        """True when the archive was begun and can be seen; raises `Unreachable` where nobody can tell."""

    @abstractmethod
    def begin(self) -> None:
        """The archive is there, with nothing in it where it was not; raises `CannotWrite` where it cannot."""

    @abstractmethod
    def store(self, staged: Sequence[Staged], *, should_stop: Callable[[], bool] = never) -> None:
        """Every one of `staged` is an object, and stays one when power fails.

        Raises `CannotWrite` when one is not, `Abandoned` when the process is
        to stop meanwhile. What an earlier failure left under its name is not
        trusted. Nothing staged is left behind either way.
        """

    @abstractmethod
    def read(self, sha256: str) -> tuple[BinaryIO, str]:
        """The object, seekable, at its beginning, and the digest that its bytes have now.

        Raises `FileNotFoundError` where there is none, `Unreachable` where
        that cannot be told, `CannotWrite` where the disk has no room for it.
        """

    @abstractmethod
    def digest_of(self, sha256: str) -> str:
        """The digest that the bytes of the object have now, empty where they cannot be read at all.

        Raises as `read` does.
        """

    @abstractmethod
    def shards(self) -> Iterator[list[str]]:
        """The digests of all objects, some at a time; names that are no digest too. Raises `Unreachable`."""

    @abstractmethod
    def changed_at(self, sha256: str) -> float:
        """When the object was made, in seconds since 1970; raises `FileNotFoundError`, `Unreachable`."""

    @abstractmethod
    def has(self, sha256: str) -> bool:
        """True when there is an object with this digest; raises `Unreachable` where nobody can tell."""

    @abstractmethod
    def remove(self, digests: Sequence[str]) -> None:
        """No object with one of these digests is there, for good; raises `CannotWrite`."""

    def make_directories(self) -> None:
        """Objects can be written; raises `CannotWrite` where they cannot.

        Where objects should be and are not, nothing is made: what is written
        below the place of a mount that is gone would be lost with the next mount.
        """
        if not self.are_there():
            if self._is_expected():
                raise CannotWrite(
                    f"the archive {self.place} has gone, with all its objects",
                    hint="mount it, or restore it from a backup; everything goes on by itself",
                )
            self.begin()
        self._make_staging()

    def stage(self, source: int, owner: str, *, expected: int, should_stop: Callable[[], bool]) -> Staged:
        """The bytes of a file are staged, and raises, as `Staging.stage` says."""
        if not self.staging.is_made():
            self.make_directories()
        return self.staging.stage(source, owner, expected=expected, should_stop=should_stop)

    def _make_staging(self) -> None:
        try:
            self.staging.make_directory()
        except OSError as error:
            raise cannot_write(self.directory, error) from error

    def discard(self, staged: Sequence[Staged]) -> None:
        """Nothing of `staged` is left; safe to repeat."""
        self.staging.discard(staged)
