"""Two sides of a comparison in parts that fit in memory: what has equal keys lies in one part.

What is large lies in an unnamed file of this process, as `marshal` data that
nobody else can have written; what is small is one part and touches no file.
"""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Hashable, Iterator
from types import TracebackType
from typing import IO, Any, Self

PARTS = 128
BLOCK = 256  # items of a part that are in memory before they go to the file

Item = tuple[Any, ...]  # plain values only


class Side:
    """Items by part, in the order in which they were added to it."""

    def __init__(self) -> None:
        self.is_spilled = False
        self._waiting: list[list[Item]] = [[] for _ in range(PARTS)]
        self._blocks: list[list[int]] = [[] for _ in range(PARTS)]  # where each block lies in the file
        self._file: IO[bytes] | None = None

    def add(self, key: Hashable, item: Item) -> None:
        """One more item, in the part of its key."""
        part = hash(key) % PARTS
        self._waiting[part].append(item)
        if len(self._waiting[part]) >= BLOCK:
            self._spill(part)

    def part(self, number: int) -> Iterator[Item]:
        """The items of one part, in order."""
        for place in self._blocks[number]:
            assert self._file is not None  # noqa: S101  # a block lies in it
            self._file.seek(place)
            yield from marshal.load(self._file)  # noqa: S302  # our own bytes
        yield from self._waiting[number]

    def close(self) -> None:
        """The file is gone."""
        if self._file is not None:
            self._file.close()

    def _spill(self, part: int) -> None:
        if self._file is None:
            self._file, self.is_spilled = tempfile.TemporaryFile(), True  # noqa: SIM115  # closed by close
        self._blocks[part].append(self._file.seek(0, 2))
        marshal.dump(self._waiting[part], self._file)
        self._waiting[part] = []


class Parting:
    """Both sides: `stands` and `would`."""

    def __init__(self) -> None:
        self.stands, self.would = Side(), Side()

    def parts(self) -> Iterator[tuple[list[Item], list[Item]]]:
        """What is to be compared at once: part by part, or all where all of it is small."""
        both = self.stands, self.would
        if any(side.is_spilled for side in both):
            for number in range(PARTS):
                yield list(self.stands.part(number)), list(self.would.part(number))
        else:
            stands, would = ([item for n in range(PARTS) for item in side.part(n)] for side in both)
            yield stands, would

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stands.close()
        self.would.close()
