"""Text in the encoding that was declared for it: nothing is guessed, nothing repaired, memory stays flat.

A byte order mark is honoured where it agrees with the declared encoding, and
refused where it does not. https://www.unicode.org/faq/utf_bom
"""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO

from ingest.vetting.refused import Refused

MAX_LINE = 1_048_576  # characters, the line break included
MAX_TEXT = 33_554_432  # bytes of a content that is read as a whole

_MARKS = (  # the longer first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, ("utf-32", "utf-32-le")),
    (codecs.BOM_UTF32_BE, ("utf-32", "utf-32-be")),
    (codecs.BOM_UTF16_LE, ("utf-16", "utf-16-le")),
    (codecs.BOM_UTF16_BE, ("utf-16", "utf-16-be")),
    (codecs.BOM_UTF8, ("utf-8", "utf-8-sig")),
)
_WIDEST = 4  # bytes of a character in the widest of usual encodings
_NUL = "\0"
_DECLARE = "declare the source's encoding"


class Text:
    """The lines of a content, each with its line break as it stands; `number` counts them, from 1."""

    def __init__(self, file: BinaryIO, *, encoding: str, max_line: int = MAX_LINE) -> None:
        """Raises `Refused` (`encoding`, `byte_order_mark`), here and while lines are read."""
        self.number = 0
        self._max_line = max_line
        self._is_begun = False
        self._bytes = _Counted(file)
        try:
            codec = codecs.lookup(encoding).name
            self._text = io.TextIOWrapper(self._bytes, encoding=encoding, errors="strict", newline="")
        except (LookupError, ValueError):
            raise Refused(
                "the declared encoding is not known", rule="encoding", hint="declare one that Python knows"
            ) from None
        self._has_mark = _has_mark(file, codec)

    def __iter__(self) -> Text:
        return self

    def __next__(self) -> str:
        line = self._taken(self._max_line + 1, is_line=True)
        if not line:
            raise StopIteration
        self.number += 1
        if self._has_mark and not self._is_begun:
            line = line.removeprefix("\ufeff")
        self._is_begun = True
        if len(line) > self._max_line:
            raise Refused(
                f"a line of more than {self._max_line:,} characters", rule="line_length", where=self.where
            )
        if _NUL in line:
            raise _nul(self.where)
        return line

    def read(self, size: int) -> str:
        """About the next `size` characters as they stand, none at the end; `number` counts the lines ended.

        A CR and the LF after it are never parted. Raises as lines do, but for their length.
        """
        text = self._taken(size)
        if text.endswith("\r"):
            text += self._taken(1)
        if self._has_mark and not self._is_begun:
            text = text.removeprefix("\ufeff")
        self._is_begun = True
        if _NUL in text:
            raise _nul(f"line {self.number + ended_lines(text[: text.index(_NUL)]) + 1}")
        self.number += ended_lines(text)
        return text

    @property
    def where(self) -> str:
        """The place of the last line, as messages name it."""
        return f"line {self.number}"

    def _taken(self, size: int, *, is_line: bool = False) -> str:
        try:
            return self._text.readline(size) if is_line else self._text.read(size)
        except UnicodeDecodeError as error:
            offset = self._bytes.taken - len(error.object) + error.start
            message = f"not {error.encoding}: {error.reason}"
            raise Refused(message, rule="encoding", where=f"byte {offset}", hint=_DECLARE) from None
        except UnicodeError:
            where = f"before byte {self._bytes.taken}"
            message = f"the file is not {self._text.encoding}"
            raise Refused(message, rule="encoding", where=where, hint=_DECLARE) from None


def whole_text(file: BinaryIO, *, encoding: str, max_size: int = MAX_TEXT) -> str:
    """A content of at most `max_size` bytes as one text, with its line breaks as they stand.

    Raises `Refused`: `size`, and what `Text` refuses.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > max_size:
        raise Refused(f"{size:,} bytes; at most {max_size:,} are read as a whole", rule="size")
    return "".join(Text(file, encoding=encoding, max_line=max_size))


def head_of(file: BinaryIO, length: int, *, encoding: str) -> str:
    """The first `length` characters of a content, without a byte order mark; what cannot be read is replaced.

    By them a content is recognised; whoever reads it says what is wrong with it.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(file.read(_WIDEST * (length + 1))).removeprefix("\ufeff")[:length]


class _Counted(io.BufferedIOBase):
    """A stream that knows how many bytes were taken from it; the file stays open."""

    name = ""  # content has none

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.taken = 0

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.taken += len(data)
        return data


def mark_of(head: bytes) -> str:
    """The encoding that a content's byte order mark names, or ""."""
    return next((names[0] for mark, names in _MARKS if head.startswith(mark)), "")


def _nul(where: str) -> Refused:
    return Refused("a NUL character; is this a text file in the declared encoding?", rule="nul", where=where)


def ended_lines(text: str) -> int:
    """How many lines end in `text`, which does not end within a CR and its LF."""
    if "\r" not in text:
        return text.count("\n")
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _has_mark(file: BinaryIO, codec: str) -> bool:
    """Whether the file begins with a byte order mark, which must be that of `codec`."""
    start = file.read(4)
    file.seek(0)
    for mark, codec_names in _MARKS:
        if start.startswith(mark):
            if codec in codec_names:
                return True
            raise Refused(
                f"the byte order mark of {codec_names[0]}, but {codec} is declared",
                rule="byte_order_mark",
                where="byte 0",
                hint=_DECLARE,
            )
    if start and codec in {"utf-16", "utf-32"}:
        raise Refused(
            f"no byte order mark, so {codec} is ambiguous",
            rule="byte_order_mark",
            where="byte 0",
            hint=f"declare {codec}-le or -be",
        )
    return False
