"""CSV record by record: what one is, in the dialect that was declared, and where it stands.

Nothing is guessed and nothing repaired: a quote stands around a whole cell,
and is doubled or escaped inside it. Messages name lines and columns, never a
cell's text: they go to logs. https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ingest import PermanentError
from ingest.vetting import Refused

MAX_RECORD = 1_048_576  # characters of one row, its quotes and line breaks included


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How rows and cells are told apart."""

    delimiter: str = ","
    quote: str = '"'  # empty: no character is a quote
    escape: str = ""  # what stands before a quote within quotes; empty: such a quote is doubled
    comment: str = ""  # what a line begins with that is no row; empty: every line is one
    is_lenient: bool = False  # a quote inside a cell that is not quoted is a character like any other

    @property
    def for_reader(self) -> dict[str, Any]:
        """The arguments of `csv.reader`."""
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "escapechar": self.escape or None,
            "doublequote": not self.escape,
            "strict": True,
        }

    def may_be(self, text: str) -> bool:
        """False for rows with a quote where none may stand; `csv.reader`, strict or not, takes them."""
        return self.is_lenient or not self.quote or _rows_of(self).fullmatch(text) is not None


RFC_4180 = Dialect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record of the file, as many cells as it happens to have."""

    line: int  # where it begins, from 1
    cells: Sequence[str]
    raw: str  # as it stands in the file
    is_ended: bool  # a line break follows; False only for the last row of a file


class _Lines:
    """Lines for `csv.reader`; `record` holds those of the record it is reading."""

    def __init__(self, lines: Iterator[str], *, first: int, comment: str) -> None:
        self.record: list[str] = []
        self._lines, self._comment = lines, comment
        self._size = 0
        self._next = first

    @property
    def number(self) -> int:
        """The line where the record begins."""
        return self._next - max(len(self.record), 1)

    def begin_record(self) -> None:
        """Forget the former record."""
        self.record.clear()
        self._size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._next += 1
        while self._comment and not self.record and line.startswith(self._comment):
            line = next(self._lines)
            self._next += 1
        self._size += len(line)
        if self._size > MAX_RECORD:
            raise too_long(self._next - 1)
        self.record.append(line)
        return line


def too_long(line: int) -> Refused:
    """A row has no end, as far as `line`."""
    message = f"a row of more than {MAX_RECORD:,} characters; is a quote open?"
    return Refused(message, rule="row_length", where=f"line {line}")


def records(lines: Iterator[str], dialect: Dialect, *, first: int = 1) -> Iterator[Row]:
    """The records of `lines`, of which the next is line `first`; blank ones are skipped.

    No line is read before the record that it belongs to is asked for. Raises
    `PermanentError` for the first that is not of the dialect.
    """
    taken = _Lines(lines, first=first, comment=dialect.comment)
    reader = csv.reader(taken, **dialect.for_reader)
    while True:
        taken.begin_record()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise PermanentError(f"line {taken.number}: {_reason(error)}") from None
        if cells is None:
            return
        if cells:
            raw = "".join(taken.record)
            _check_quotes(cells, raw, taken.number, dialect)
            yield Row(line=taken.number, cells=cells, raw=raw, is_ended=raw.endswith(("\n", "\r")))


def _reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "truncated: a quote opens here and is never closed"
    if "limit" in text:
        return f"a cell of more than {csv.field_size_limit():,} characters; is a quote open?"
    return f"bad quoting: {text.encode('unicode_escape').decode()}"


def _check_quotes(cells: Sequence[str], raw: str, number: int, dialect: Dialect) -> None:
    quote = dialect.quote
    if quote and quote in raw and any(quote in cell for cell in cells) and not dialect.may_be(raw):
        raise PermanentError(f"line {number}: bad quoting: a quote inside a cell that is not quoted")


@cache
def _rows_of(dialect: Dialect) -> re.Pattern[str]:
    quote, delimiter, escape = map(re.escape, (dialect.quote, dialect.delimiter, dialect.escape))
    within = rf"[^{quote}{escape}]*+(?:{escape}.[^{quote}{escape}]*+)*+" if escape else ""
    bare = rf"[^{quote}{delimiter}\r\n]*+"
    if escape:
        bare = rf"(?:[^{quote}{delimiter}{escape}\r\n]|{escape}.)*+"
    else:
        within = rf"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+"
    row = rf"(?:{quote}{within}{quote}|{bare})(?:{delimiter}(?:{quote}{within}{quote}|{bare}))*+"
    return re.compile(rf"(?:{row}(?:\r\n|\r|\n))*+(?:{row})?", re.DOTALL)
