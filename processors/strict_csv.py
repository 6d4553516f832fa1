"""CSV as RFC 4180 has it, read strictly and in flat memory.

Nothing is guessed and nothing repaired: the encoding is the declared one, a
quote stands around a whole cell or is doubled inside it, and a file that ends
in the middle of a row is refused. Messages name lines and columns, never a
cell's text: they go to logs. https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ingest import PermanentError
from ingest.vetting import Refused, Text

MAX_COLUMNS = 1_000
MAX_RECORD = 1_048_576  # characters of one row, its quotes and line breaks included

_CELL = r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",\r\n]*+)'
_RECORD = re.compile(rf"{_CELL}(?:,{_CELL})*+(?:\r\n|\r|\n)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record of the file, as many cells as it happens to have."""

    line: int  # where it begins, from 1
    cells: Sequence[str]
    raw: str  # as it stands in the file
    is_ended: bool  # a line break follows; False only for the last row of a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file's header and its rows, which are read as they are asked for."""

    header: tuple[str, ...]
    rows: Iterator[Row]


def read_sheet(file: BinaryIO, *, encoding: str, required: Sequence[str] = ()) -> Sheet:
    """The rows of `file` below a header that has all the `required` columns, in any order.

    Blank lines are skipped. A row may have too few or too many cells: what
    that means is the caller's affair, but for a last row that is cut short.
    Raises `PermanentError`, also while rows are read, for a file that is not
    strict CSV in `encoding`.
    """
    rows = _rows(_Lines(Text(file, encoding=encoding, max_line=MAX_RECORD)))
    first = next(rows, None)
    if first is None:
        raise PermanentError("the file is empty: it has no header")
    header = tuple(first.cells)
    _check_header(header, required, line=first.line)
    return Sheet(header=header, rows=_uncut(rows, width=len(header)))


class _Lines:
    """The lines of a file, for `csv.reader`; `record` holds those of the record it is reading."""

    def __init__(self, text: Text) -> None:
        self.record: list[str] = []
        self._size = 0
        self._text = text

    def begin_record(self) -> int:
        """Forget the former record; the number of the line where the next one begins."""
        self.record.clear()
        self._size = 0
        return self._text.number + 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self._size += len(line)
        if self._size > MAX_RECORD:
            raise Refused(
                f"a row of more than {MAX_RECORD:,} characters; is a quote open?",
                rule="row_length",
                where=self._text.where,
            )
        self.record.append(line)
        return line


def _rows(lines: _Lines) -> Iterator[Row]:
    reader = csv.reader(lines, strict=True)
    while True:
        number = lines.begin_record()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise PermanentError(f"line {number}: {_reason(error)}") from None
        if cells is None:
            return
        if cells:
            raw = "".join(lines.record)
            _check_quotes(cells, raw, number)
            yield Row(line=number, cells=cells, raw=raw, is_ended=raw.endswith(("\n", "\r")))


def _reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "truncated: a quote opens here and is never closed"
    if "limit" in text:
        return f"a cell of more than {csv.field_size_limit():,} characters; is a quote open?"
    return f"bad quoting: {text}"


def _check_quotes(cells: Sequence[str], raw: str, number: int) -> None:
    # csv.reader, strict or not, takes a quote inside an unquoted cell for a character like any other.
    if '"' in raw and any('"' in cell for cell in cells) and not _RECORD.fullmatch(raw):
        raise PermanentError(f"line {number}: bad quoting: a quote inside a cell that is not quoted")


def _uncut(rows: Iterator[Row], *, width: int) -> Iterator[Row]:
    for row in rows:
        if not row.is_ended and len(row.cells) < width:
            found = f"{len(row.cells)} of {width} columns, no line break"
            raise PermanentError(f"line {row.line}: truncated: the file ends inside this row ({found})")
        yield row


def _check_header(header: tuple[str, ...], required: Sequence[str], *, line: int) -> None:
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
        raise PermanentError(f"line {line}: the header lacks {', '.join(missing)}", hint=_hint(header))
    if "" in places:
        raise PermanentError(f"line {line}: column {places['']} of the header has no name")


def _hint(header: tuple[str, ...]) -> str:
    if len(header) == 1 and any(other in header[0] for other in ";\t|"):
        return "columns are separated by commas"
    return "the first line names the columns, spelled exactly so"
