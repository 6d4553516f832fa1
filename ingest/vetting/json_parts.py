"""JSON value by value: the elements of a long array, or values one after the other, in flat memory.

The rules are those of `json_document`, and so are the refusals. No more is
kept than one value, which is as long as `json_document` takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from ingest.vetting.json import BLANK, DECODERS, check_value, reason
from ingest.vetting.refused import Refused
from ingest.vetting.text import MAX_TEXT, Text, ended_lines

_CHUNK = 65_536  # characters
_NOT_BLANK = re.compile(f"[^{BLANK}]")
_LONGEST_WORD = 16  # an error this near to the end of what was read may be of a word that goes on


def json_elements(
    file: BinaryIO, *, encoding: str = "utf-8", is_lenient: bool = False
) -> Iterator[tuple[int, Any]]:
    """The elements of the array that a content is, each with the line where it begins, from 1.

    A content that is another value is that one element. Raises as
    `json_document` does, when the element is reached.
    """
    text = _Ahead(Text(file, encoding=encoding, max_line=MAX_TEXT), is_lenient=is_lenient)
    if text.next_mark() == "[":
        yield from _of_array(text)
    else:
        yield text.line, text.value()
    if text.next_mark():
        raise text.refused("extra data")


def json_values(
    file: BinaryIO, *, encoding: str = "utf-8", is_lenient: bool = False
) -> Iterator[tuple[int, Any]]:
    """Values that stand one after the other, over any number of lines; one array alone is its elements.

    Raises as `json_elements` does.
    """
    text = _Ahead(Text(file, encoding=encoding, max_line=MAX_TEXT), is_lenient=is_lenient)
    if text.next_mark() == "[":
        yield from _of_array(text)
        if text.next_mark():
            raise text.refused("extra data")
    while text.next_mark():
        yield text.line, text.value()


def _of_array(text: _Ahead) -> Iterator[tuple[int, Any]]:
    text.skip()
    if text.next_mark() == "]":
        text.skip()
        return
    while True:
        text.next_mark()
        yield text.line, text.value()
        mark = text.next_mark()
        if mark not in {",", "]"}:
            raise text.refused("expecting ',' delimiter")
        text.skip()
        if mark == "]":
            return


class _Ahead:
    """A text of which a part was read ahead: `line` is that of the next character."""

    def __init__(self, text: Text, *, is_lenient: bool) -> None:
        self.line = 1
        self._text, self._decoder = text, DECODERS[is_lenient]
        self._read = ""
        self._at = 0
        self._column = 1  # of the first character that is kept

    def next_mark(self) -> str:
        """The next character that is not blank, which becomes the next one; empty at the end."""
        while True:
            found = _NOT_BLANK.search(self._read, self._at)
            self._pass(len(self._read) if found is None else found.start())
            if found is not None:
                return found[0]
            if not self._more():
                return ""

    def skip(self) -> None:
        """The next character is taken."""
        self._pass(self._at + 1)

    def value(self) -> Any:
        """The value that begins at the next character is taken; raises as `json_document` does."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._read, self._at)
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._more():
                    continue
                raise self.refused(reason(error), at=error.pos) from None
            except ValueError as broken:
                raise Refused(
                    str(broken), rule=getattr(broken, "rule", "json"), where=f"line {self.line}"
                ) from None
            except RecursionError:
                end = len(self._read)
                check_value(None, self._read, self._at, end, where=f"line {self.line}")
                raise self.refused("nested too deep") from None
            if end < len(self._read) or not self._more():
                break
        check_value(value, self._read, self._at, end, where=f"line {self.line}")
        self._pass(end)
        return value

    def refused(self, message: str, *, at: int | None = None) -> Refused:
        """What is not JSON at the next character, or at that place of what was read."""
        before = self._read[: self._at if at is None else at]
        passed = self._read[: self._at]
        line = self.line + ended_lines(before) - ended_lines(passed)
        last = max(before.rfind("\n"), before.rfind("\r"))
        column = len(before) - last if last >= 0 else self._column + len(before)
        return Refused(f"not JSON: {message}", rule="json", where=f"line {line}, column {column}")

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        return error.pos > len(self._read) - _LONGEST_WORD or error.msg.startswith("Unterminated")

    def _pass(self, to: int) -> None:
        self.line += ended_lines(self._read[self._at : to])
        self._at = to

    def _more(self) -> bool:
        """More was read; what was passed is forgotten."""
        kept = self._read[self._at :]
        if len(kept) > MAX_TEXT:
            raise Refused(
                f"a value of more than {MAX_TEXT:,} characters", rule="size", where=f"line {self.line}"
            )
        more = self._text.read(max(_CHUNK, len(kept)))
        if not more:
            return False
        passed = self._read[: self._at]
        last = max(passed.rfind("\n"), passed.rfind("\r"))
        self._column = len(passed) - last if last >= 0 else self._column + len(passed)
        self._read, self._at = kept + more, 0
        return True
