"""A table as it is read from a file: names of columns, and rows in batches.

Rows come in batches because columns are checked as wholes, which is several
times as fast as cell by cell. Where a row stands in the file is found out only
for those that somebody asks about.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.vetting import Refused

MAX_COLUMNS = 1_000
BATCH = 1_000  # rows, where a reader may choose


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: its line, or its number where there are no lines, and how it reads there."""

    line: int
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows, one after the other, with as many cells as each happens to have."""

    rows: Sequence[Sequence[Any]]
    places: Callable[[], Sequence[Place]]  # of the rows, in their order
    rest: Sequence[Mapping[str, Any]] = ()  # for each row what it has beside its cells; empty: nothing
    is_text: bool = False  # every cell is; False where one may be something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The columns of a file by name, in order, and its rows, which are read as they are asked for."""

    header: tuple[str, ...]
    batches: Iterator[Batch]


def without_last(batches: Iterable[Batch], count: int) -> Generator[Batch, None, list[Sequence[Any]]]:
    """The batches without the last `count` rows; the value of the generator is those rows.

    Raises `Refused` (`trailing`) where there are fewer.
    """
    held: list[Batch] = []
    for batch in batches:
        held.append(batch)
        while sum(len(each.rows) for each in held[1:]) >= count:
            yield held.pop(0)
    rows = [(each, at) for each in held for at in range(len(each.rows))]
    if len(rows) < count:
        raise Refused(f"{len(rows)} rows, fewer than the {count} that are to end the file", rule="trailing")
    kept = len(rows) - count
    for each in held:
        if kept > 0:
            yield replace(each, rows=each.rows[:kept])
        kept -= len(each.rows)
    return [each.rows[at] for each, at in rows[len(rows) - count :]]
