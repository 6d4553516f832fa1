"""CSV as RFC 4180 has it, or in a dialect that was declared, read strictly and in flat memory.

The encoding is the declared one, the header stands where it was declared, and
a file that ends in the middle of a row is refused. What a record is, and how
one that is none is told, says `csv_records`; here they are read many at a time
where that comes to the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import BinaryIO

from ingest import PermanentError
from ingest.vetting import Refused, Text, ended_lines
from processors.formats.csv_records import MAX_RECORD, RFC_4180, Dialect, Row, records, too_long
from processors.formats.tables import BATCH, MAX_COLUMNS, Batch, Place, Sheet, without_last

_MAX_DIGITS = 18  # of a number of rows
_BLOCK = 131_072  # characters that are read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which lines of a file are its header and its rows."""

    header: int = 1  # the line of the header, or of the first row where `names` are given
    names: tuple[str, ...] = ()  # of the columns, where the file does not name them
    trailing: int = 0  # rows at the end that are none
    count_cell: int = 0  # the cell of the last of them, from 1, that states how many rows there are; 0: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A file's header and its rows one by one."""

    header: tuple[str, ...]
    rows: Iterator[Row]


def read_rows(file: BinaryIO, *, encoding: str, required: Sequence[str] = ()) -> Rows:
    """The rows of `file` below a header that has all the `required` columns, in any order.

    Blank lines are skipped. A row may have too few or too many cells: what
    that means is the caller's affair, but for a last row that is cut short.
    Raises `PermanentError`, also while rows are read, for a file that is not
    strict CSV in `encoding`.
    """
    rows = records(Text(file, encoding=encoding, max_line=MAX_RECORD), RFC_4180)
    first = _first(rows)
    header = tuple(first.cells)
    check_header(header, required, line=first.line)
    return Rows(header=header, rows=_uncut(rows, width=len(header)))


def read(
    file: BinaryIO, *, encoding: str, dialect: Dialect = RFC_4180, layout: Layout | None = None
) -> Sheet:
    """The rows of `file`, many at a time, in its dialect; the header is not checked yet.

    Raises as `read_rows` does, and `Refused` (`trailing`, `count`) where the
    end of the file is not as its layout has it.
    """
    layout = layout or Layout()
    text = Text(file, encoding=encoding, max_line=MAX_RECORD)
    for _ in islice(text, layout.header - 1):
        pass
    header = layout.names
    if not header:
        header = tuple(_first(records(text, dialect, first=text.number + 1)).cells)
    width = 0 if layout.trailing else len(header)
    if dialect.comment or dialect.escape or dialect.is_lenient:
        batches = _batches(records(text, dialect, first=text.number + 1), width=width)
    else:
        batches = _blocks(text, dialect, width=width)
    return Sheet(header=header, batches=_ended(batches, layout))


def _first(rows: Iterator[Row]) -> Row:
    first = next(rows, None)
    if first is None:
        raise PermanentError("the file is empty: it has no header")
    return first


def _batches(rows: Iterator[Row], *, width: int) -> Iterator[Batch]:
    uncut = _uncut(rows, width=width)
    while some := list(islice(uncut, BATCH)):
        yield Batch(rows=[row.cells for row in some], places=partial(_places, some), is_text=True)


def _places(rows: Sequence[Row]) -> Sequence[Place]:
    return [Place(row.line, row.raw) for row in rows]


def _blocks(text: Text, dialect: Dialect, *, width: int) -> Iterator[Batch]:
    """As `_batches`, several times as fast."""
    rest, line = "", text.number + 1
    while block := text.read(_BLOCK):
        block, next_line = rest + block, text.number + 1
        end = _end_of_rows(block, dialect.quote)
        if end == 0 and len(block) > MAX_RECORD:
            list(records(_lines(block), dialect, first=line))  # says what is wrong, if that can be said
            raise too_long(line)
        rest = block[end:]
        if end:
            yield _batch(block[:end], dialect, line)
            line = next_line - ended_lines(rest)
    if rest:
        last = list(_uncut(records(_lines(rest), dialect, first=line), width=width))
        yield Batch(rows=[row.cells for row in last], places=partial(_places, last), is_text=True)


def _batch(block: str, dialect: Dialect, line: int) -> Batch:
    """The rows of a block that begins and ends with whole ones."""

    def found() -> list[Row]:
        return list(records(_lines(block), dialect, first=line))

    quote = dialect.quote
    has_quotes = bool(quote) and quote in block
    is_plain = not has_quotes and "\r" not in block  # each line is a row, and ends in one way
    try:
        rows = list(csv.reader(block[:-1].split("\n") if is_plain else _lines(block), **dialect.for_reader))
    except csv.Error:
        rows = [list(row.cells) for row in found()]
    if not all(rows):
        rows = [row for row in rows if row]
    if has_quotes and quote in "".join(map("".join, rows)) and not dialect.may_be(block):
        found()
    return Batch(rows=rows, places=lambda: _places(found()), is_text=True)


def _end_of_rows(block: str, quote: str) -> int:
    """Where the last row that surely ends in `block` has ended, if it begins with a whole one; else 0.

    Quotes come in pairs: where their number is odd, a line break is part of a cell.
    """
    end = max(block.rfind("\n"), block.rfind("\r")) + 1
    if not quote or block.count(quote, 0, end) % 2 == 0:
        return end
    parts = block.split(quote)
    at = len(block)
    for number in range(len(parts) - 1, -1, -1):
        part = parts[number]
        at -= len(part)
        cut = -1 if number % 2 else max(part.rfind("\n"), part.rfind("\r"))
        if cut >= 0:
            return at + cut + 1
        at -= len(quote)
    return 0


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, each with its line break as it stands."""
    return io.StringIO(text, newline="")


def _ended(batches: Iterator[Batch], layout: Layout) -> Iterator[Batch]:
    """The batches without the rows that end the file, which say how many there were."""
    if not layout.trailing:
        yield from batches
        return
    count = 0

    def counted() -> Iterator[Batch]:
        nonlocal count
        for batch in batches:
            count += len(batch.rows)
            yield batch

    last = yield from without_last(counted(), layout.trailing)
    if layout.count_cell:
        _check_count(last[-1], layout.count_cell, count - layout.trailing)


def _check_count(cells: Sequence[str], place: int, count: int) -> None:
    stated = cells[place - 1].strip() if place <= len(cells) else ""
    if not (stated.isascii() and stated.isdigit() and len(stated) <= _MAX_DIGITS):
        raise Refused(f"cell {place} of the last line states no number of rows", rule="count")
    if int(stated) != count:
        raise Refused(f"the file states {int(stated):,} rows and has {count:,}", rule="count")


def _uncut(rows: Iterator[Row], *, width: int) -> Iterator[Row]:
    for row in rows:
        if not row.is_ended and len(row.cells) < width:
            found = f"{len(row.cells)} of {width} columns, no line break"
            raise PermanentError(f"line {row.line}: truncated: the file ends inside this row ({found})")
        yield row


def check_header(
    header: tuple[str, ...], required: Sequence[str], *, line: int, delimiter: str = ","
) -> None:
    """Raise `PermanentError` for too many columns, two of one name, or a lack of one that is `required`."""
    if len(header) > MAX_COLUMNS:
        raise PermanentError(f"line {line}: {len(header):,} columns; at most {MAX_COLUMNS:,} are taken")
    places: dict[str, int] = {}
    for place, name in enumerate(header, start=1):
        if name in places:
            known = f", {name}" if name in required else ""
            raise PermanentError(f"line {line}: columns {places[name]} and {place} have the same name{known}")
        places[name] = place
    missing = [name for name in required if name not in places]
    if missing:
        raise PermanentError(
            f"line {line}: the header lacks {', '.join(missing)}", hint=_hint(header, delimiter)
        )
    if "" in places:
        raise PermanentError(f"line {line}: column {places['']} of the header has no name")


def _hint(header: tuple[str, ...], delimiter: str) -> str:
    if len(header) == 1 and any(other in header[0] for other in ",;\t|"):
        return f"columns are separated by {'commas' if delimiter == ',' else repr(delimiter)}"
    return "the first line names the columns, spelled exactly so"
