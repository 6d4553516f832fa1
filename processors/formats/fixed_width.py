"""Lines whose cells stand at fixed places, counted in characters; spaces around a cell are padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import BinaryIO

from ingest.vetting import Text
from processors.formats.tables import BATCH, Batch, Place, Sheet, without_last

MAX_LINE = 65_536  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where the cells of a column stand."""

    name: str
    start: int  # of the first character, from 1
    length: int  # characters


def read(
    file: BinaryIO,
    *,
    encoding: str,
    fields: Sequence[Field],
    first_line: int = 1,
    trailing: int = 0,
    is_lenient: bool = False,
) -> Sheet:
    """The rows of `file` from line `first_line` on, without the last `trailing` ones; blank lines are none.

    A line that is shorter than all of its fields is a row with fewer cells;
    lenient: what is not there is empty.
    Raises `Refused`, also while rows are read: `trailing`, and what `Text` refuses.
    """
    text = Text(file, encoding=encoding, max_line=MAX_LINE)
    for _ in islice(text, first_line - 1):
        pass
    batches = _batches(text, fields, is_lenient=is_lenient)
    return Sheet(
        header=tuple(field.name for field in fields),
        batches=without_last(batches, trailing) if trailing else batches,
    )


def _batches(text: Text, fields: Sequence[Field], *, is_lenient: bool) -> Iterator[Batch]:
    places = [slice(field.start - 1, field.start - 1 + field.length) for field in fields]
    width = max(place.stop for place in places)
    while lines := list(islice(_lines(text), BATCH)):
        rows = [_cells(line.raw.ljust(width if is_lenient else 0), places, width) for line in lines]
        yield Batch(rows=rows, places=partial(list, lines))


def _lines(text: Text) -> Iterator[Place]:
    for line in text:
        if stripped := line.rstrip("\r\n"):
            yield Place(text.number, stripped)


def _cells(line: str, places: Sequence[slice], width: int) -> Sequence[str]:
    if len(line) < width:
        places = [place for place in places if place.stop <= len(line)]
    return [line[place].strip() for place in places]


def check_fields(fields: Sequence[Field]) -> None:
    """Raise `ValueError` for fields that overlap or lie nowhere."""
    end = 0
    for field in sorted(fields, key=lambda each: each.start):
        if field.start < 1 or field.length < 1 or field.start + field.length > MAX_LINE:
            msg = f"column {field.name!r} stands nowhere in a line"
            raise ValueError(msg)
        if field.start <= end:
            msg = f"column {field.name!r} begins where another has not ended"
            raise ValueError(msg)
        end = field.start + field.length - 1
