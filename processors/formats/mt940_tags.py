"""The fields of MT940 and MT942 messages: where each begins and ends, in files as banks really write them.

A file holds any number of messages, with or without the blocks of SWIFT
around them. A line that begins with a tag which these messages have begins a
field; any other line goes on with the field before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from ingest.vetting import Text

MAX_LINE = 65_536  # characters
MAX_LINES = 100  # of a field that are kept; the messages allow six
_TAGS = "20|21|25P?|28C?|34F|13D?|60[FM]|61|86|62[FM]|64|65|90[DC]|NS"
_TAG = re.compile(rf":({_TAGS}):(.*)", re.DOTALL)
_BROKEN_TAG = re.compile(rf"({_TAGS}):(.*)", re.DOTALL)  # its colon ends the line before
_END = re.compile(r"-}?\x03?(?:\{5:.*)?")
_CONTROL = "\x01\x02\x03\x1a"
_BLOCK = "{4:"


@dataclass(slots=True)
class Tag:
    """One field of a message."""

    where: str
    name: str  # "61"; "" for the end of a message
    lines: list[str] = field(default_factory=list)

    @property
    def value(self) -> str:
        """Its first line, without spaces around it."""
        return self.lines[0].strip()

    def add(self, line: str) -> None:
        """One more line."""
        if len(self.lines) < MAX_LINES:
            self.lines.append(line)


def tags(file: BinaryIO, *, encoding: str) -> Iterator[Tag]:
    """The fields in their order; what stands before the first one is left out.

    Where block 2 says which message it is, a `Tag` called `{2:` tells it.
    """
    current: Tag | None = None
    text = Text(file, encoding=encoding, max_line=MAX_LINE)
    for made in _pieces(text):
        if isinstance(made, str):
            if current is not None:
                current.add(made)
            continue
        if current is not None:
            yield current
        current = made if made.name not in {"", "{2:"} else None
        if current is None:
            yield made
    if current is not None:
        yield current


def _pieces(text: Text) -> Iterator[Tag | str]:
    """Tags where they begin, and lines that go on with the one before."""
    is_split = False  # the line before was a colon and nothing else
    for raw in text:
        line = raw.rstrip("\r\n").strip(_CONTROL)
        if _BLOCK in line and line.startswith("{"):
            head, _, line = line.partition(_BLOCK)
            yield Tag(text.where, "")
            yield Tag(text.where, "{2:", [head])
        match = (_BROKEN_TAG if is_split else _TAG).match(line)
        if is_split and match is None:
            yield ":"
        is_split = line.strip() == ":"
        if match is not None:
            yield Tag(text.where, match[1], [match[2]])
        elif _END.fullmatch(line.strip()):
            yield Tag(text.where, "")
        elif line.strip() and not is_split:
            yield line
