"""Two sides of a comparison in parts that fit in memory: what has equal keys lies in one part.

What is small is one part and touches no file. What is large lies in an unnamed
file of this process, as `marshal` data that nobody else can have written.
Where the disk refuses, `CannotWrite` is raised.
"""

from __future__ import annotations

import marshal
from collections.abc import Hashable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from ingest.store.spilling import disk, unnamed

SMALL = 10_000  # items that are one part
PARTS = 128
BLOCK = 256  # items of a part that are in memory before they go to the file

Item = tuple[Any, ...]  # plain values only


class Side:
    """Items in the order in which they were added, from the beginning or part by part."""

    def __init__(self) -> None:
        self.is_parted = False
        self._all: list[tuple[Hashable, Item]] = []
        self._waiting: list[list[Item]] = []
        self._blocks: list[list[int]] = []  # by part: where each block lies in the file
        self._file: IO[bytes] | None = None

    def add(self, key: Hashable, item: Item) -> None:
        """One more item, in the part of its key."""
        if self.is_parted:
            self._place(key, item)
            return
        self._all.append((key, item))
        if len(self._all) > SMALL:
            self.part()

    def part(self) -> None:
        """The items lie in parts, as those that are added will."""
        if self.is_parted:
            return
        self.is_parted = True
        self._waiting = [[] for _ in range(PARTS)]
        self._blocks = [[] for _ in range(PARTS)]
        items, self._all = self._all, []
        for key, item in items:
            self._place(key, item)

    def all(self) -> list[Item]:
        """Every item of a side that is not parted."""
        return [item for _, item in self._all]

    def of_part(self, number: int) -> Iterator[Item]:
        """The items of one part of a parted side."""
        for place in self._blocks[number]:
            assert self._file is not None  # noqa: S101  # a block lies in it
            with disk():
                self._file.seek(place)
                block = marshal.load(self._file)  # noqa: S302  # our own bytes
            yield from block
        yield from self._waiting[number]

    def close(self) -> None:
        """The file is gone."""
        if self._file is not None:
            with suppress(OSError):  # of what is thrown away nothing needs to reach the disk
                self._file.close()

    def _place(self, key: Hashable, item: Item) -> None:
        part = hash(key) % PARTS
        self._waiting[part].append(item)
        if len(self._waiting[part]) >= BLOCK:
            with disk():
                self._spill(part)

    def _spill(self, part: int) -> None:
        if self._file is None:
            self._file = unnamed()
        self._blocks[part].append(self._file.seek(0, 2))
        marshal.dump(self._waiting[part], self._file)
        self._waiting[part] = []


class Sides:
    """Both sides: `stands` and `would`."""

    def __init__(self) -> None:
        self.stands, self.would = Side(), Side()

    def parts(self) -> Iterator[tuple[list[Item], list[Item]]]:
        """What is to be compared at once: part by part, or all where all of it is small."""
        if not (self.stands.is_parted or self.would.is_parted):
            yield self.stands.all(), self.would.all()
            return
        self.stands.part()
        self.would.part()
        for number in range(PARTS):
            yield list(self.stands.of_part(number)), list(self.would.of_part(number))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stands.close()
        self.would.close()
