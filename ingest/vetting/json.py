"""JSON as RFC 8259 has it and no more: nothing that two readers could understand in two ways.

Refused are names that occur twice in an object, NaN and Infinity, nesting
below `MAX_DEPTH`, numbers of more than `MAX_DIGITS` digits and halves of
surrogate pairs. Numbers with a point or an exponent are `Decimal`.
https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO, NoReturn

from ingest.vetting.refused import Refused
from ingest.vetting.text import Text, whole_text

MAX_DEPTH = 100
MAX_DIGITS = 1_000

_SURROGATE = re.compile("[\ud800-\udfff]")
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
BLANK = " \t\r\n"


class _Rule(ValueError):
    """A value breaks a rule; where is not known yet."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def json_document(file: BinaryIO, *, encoding: str = "utf-8", is_lenient: bool = False) -> Any:
    """The one value that a content of at most 32 MiB holds; lenient: the last of equal names stands.

    Raises `Refused`: `json` for what RFC 8259 does not allow, `json_depth`,
    `json_name_twice`, `json_number`, `json_surrogate`, and what `Text` refuses.
    """
    return _value(whole_text(file, encoding=encoding), line=1, decoder=DECODERS[is_lenient])


def json_lines(
    file: BinaryIO, *, encoding: str = "utf-8", is_lenient: bool = False
) -> Iterator[tuple[int, Any]]:
    """The values of JSON Lines, each with its line, from 1; blank lines are skipped.

    Raises as `json_document` does, when the line is reached. https://jsonlines.org
    """
    text, decoder = Text(file, encoding=encoding), DECODERS[is_lenient]
    for line in text:
        if line.strip(BLANK):
            yield text.number, _value(line, line=text.number, decoder=decoder)


def _value(text: str, *, line: int, decoder: json.JSONDecoder) -> Any:
    try:
        _check_depth(text)
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        raise Refused(f"not JSON: {reason(error)}", rule="json", where=where) from None
    except _Rule as broken:
        raise Refused(str(broken), rule=broken.rule, where=_from(line, text)) from None
    if "\\u" in text and _has_surrogate(value):
        raise Refused("half of a surrogate pair", rule="json_surrogate", where=_from(line, text))
    return value


def check_value(value: Any, text: str, start: int, end: int, *, where: str) -> None:
    """Raise `Refused` where the value in `text` from `start` to `end` is too deep, or has half a pair."""
    try:
        _check_depth(text[start:end])
    except _Rule as broken:
        raise Refused(str(broken), rule=broken.rule, where=where) from None
    if text.find("\\u", start, end) >= 0 and _has_surrogate(value):
        raise Refused("half of a surrogate pair", rule="json_surrogate", where=where)


def _from(line: int, text: str) -> str:
    return f"line {line}" if text.count("\n") <= 1 else f"in the document from line {line} on"


def reason(error: json.JSONDecodeError) -> str:
    """What is wrong, in a few words."""
    # The decoder's own words name what it expected; none of them quotes the content.
    return error.msg[:1].lower() + error.msg[1:]


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return  # too few to be deep, and most are
    depth = 0
    for match in _BRACKETS.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _Rule("json_depth", f"nested deeper than {MAX_DEPTH}")
        elif mark in "]}":
            depth -= 1


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_surrogate(part) for item in value.items() for part in item)
    return isinstance(value, list) and any(map(_has_surrogate, value))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Rule("json_name_twice", "a name occurs twice in one object")
    return made


def _constant(name: str) -> NoReturn:
    raise _Rule("json_number", f"{name} is not a number of JSON")


def _integer(digits: str) -> int:
    _check_digits(digits)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    _check_digits(digits)
    try:
        return Decimal(digits)
    except ArithmeticError:
        raise _Rule("json_number", "a number whose exponent no number can have") from None


def _check_digits(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise _Rule("json_number", f"a number of more than {MAX_DIGITS:,} characters")


DECODERS = {
    is_lenient: json.JSONDecoder(
        object_pairs_hook=None if is_lenient else _object,
        parse_constant=_constant,
        parse_int=_integer,
        parse_float=_decimal,
    )
    for is_lenient in (False, True)
}
