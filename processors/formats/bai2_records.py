"""The records of a BAI2 file, each with its continuations, and the fields they consist of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ingest.vetting import Refused, Text

MAX_RECORD = 1_048_576  # characters of a record with its continuations
_CONTINUED = "88"
_LINE = "\n"  # parts two lines of a record; as a comma does, where fields are counted


@dataclass(slots=True)
class Record:
    """One record: what stands behind its code, lines parted by a line break."""

    where: str
    code: str  # "03"
    text: str
    lines: int = 1  # with those of its continuations

    def fields(self) -> list[str]:
        """All fields, without spaces around them."""
        return [text.strip() for text in self.text.replace(_LINE, ",").split(",")]


class Fields:
    """The fields of a record, one after the other; what is left of them is text."""

    def __init__(self, record: Record) -> None:
        self._rest = record.text
        self.is_over = False

    def next(self) -> str:
        """The next field, or "" where there is none."""
        if self.is_over:
            return ""
        ends = [at for at in (self._rest.find(","), self._rest.find(_LINE)) if at >= 0]
        if not ends:
            self.is_over = True
            return self._rest.strip()
        end = min(ends)
        field, self._rest = self._rest[:end], self._rest[end + 1 :]
        return field.strip()

    def rest(self) -> str:
        """What is left, with single spaces."""
        return "" if self.is_over else " ".join(self._rest.split())


def records(file: BinaryIO, *, encoding: str) -> Iterator[Record]:
    """Every record of the file. Raises `Refused`: `record_type`, `record_length`, and what `Text` refuses."""
    text = Text(file, encoding=encoding)
    current: Record | None = None
    for line in text:
        body = line.strip()
        if not body:
            continue
        code, rest = body[:2], body[3:].removesuffix("/")
        if not (code.isascii() and code.isdecimal()):
            raise Refused("a line that begins with no type of record", rule="record_type", where=text.where)
        if code == _CONTINUED:
            _go_on(current, rest, text.where)
            continue
        if current is not None:
            yield current
        current = Record(text.where, code, rest)
    if current is not None:
        yield current


def _go_on(record: Record | None, rest: str, where: str) -> None:
    if record is None:
        raise Refused("a continuation without a record", rule="record_order", where=where)
    if len(record.text) + len(rest) >= MAX_RECORD:
        message = f"a record of more than {MAX_RECORD:,} characters"
        raise Refused(message, rule="record_length", where=record.where)
    record.text += _LINE + rest
    record.lines += 1
