"""The records of a NACHA file: 94 columns each, one a line or unbroken, with or without their padding.

Columns are counted from 1, as the descriptions of the format count them.
https://achdevguide.nacha.org/ach-file-details
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import BinaryIO

from ingest.vetting import Refused, Text
from processors.formats.finding import SCHEMA, Finding

WIDTH = 94
MAX_UNBROKEN = 33_554_432  # characters of a file without line breaks
PADDING = "9" * WIDTH
_CENTURY = 2000


class Record:
    """One record; `text` has exactly 94 characters."""

    __slots__ = ("text", "where")

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where

    def at(self, first: int, last: int) -> str:
        """The columns `first` to `last`, without spaces around them."""
        return self.text[first - 1 : last].strip()

    def number(self, first: int, last: int, name: str) -> int:
        """The whole number that stands in columns `first` to `last`. Raises `Refused`: `digits`."""
        digits = self.text[first - 1 : last].strip()
        if not (digits.isascii() and digits.isdecimal()):
            raise Refused(f"the {name} is not a number", rule="digits", where=self.where)
        return int(digits)

    def day(self, first: int) -> date | None:
        """The date YYMMDD that begins at column `first`; None where none stands there."""
        text = self.text[first - 1 : first + 5]
        if not (text.isascii() and text.isdecimal()):
            return None
        try:
            return date(_CENTURY + int(text[:2]), int(text[2:4]), int(text[4:]))
        except ValueError:
            return None

    def broken(self, rule: str, message: str) -> Finding:
        """The finding that this record breaks a rule of the format."""
        return Finding(verdict=SCHEMA, rule=rule, message=message, where=self.where)


def records(file: BinaryIO, *, encoding: str) -> Iterator[Record]:
    """Every record, blank lines left out; spaces that a sender cut off the end of a line stand again.

    Raises `Refused`: `record_length`, and what `Text` refuses.
    """
    text = Text(file, encoding=encoding, max_line=MAX_UNBROKEN)
    for line in text:
        body = line.rstrip("\r\n")
        if len(body) == WIDTH:
            yield Record(body, text.where)
        elif body := body.rstrip(" "):
            yield from _odd_length(body, text.where)


def _odd_length(body: str, where: str) -> Iterator[Record]:
    length = len(body)
    if length <= WIDTH:
        yield Record(body.ljust(WIDTH), where)
    elif length <= 2 * WIDTH - 3:  # what would be the second record has no type of its own
        raise Refused(f"a record of {length} characters, not {WIDTH}", rule="record_length", where=where)
    else:
        for number, start in enumerate(range(0, length, WIDTH), start=1):
            yield Record(body[start : start + WIDTH].ljust(WIDTH), f"{where}, record {number}")
