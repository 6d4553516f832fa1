"""OFX taken apart: header, tags, values; 1.x (SGML, closing tags missing) and 2.x (XML) alike."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ingest.vetting import Refused, Text

MAX_LINE = 33_554_432  # characters; many banks write a whole file as one line
MAX_HEADER = 65_536  # characters before the first tag
MAX_VALUE = 65_536  # characters of a value

_TOKEN = re.compile(r"<!\[CDATA\[|<!--|<(/?)([A-Za-z][A-Za-z0-9._-]*)[^<>]*?(/?)>")
_ENDS = {"<![CDATA[": "]]>", "<!--": "-->"}
_FIRST = re.compile(r"<OFX\s*>", re.IGNORECASE)
_FIELD = re.compile(
    r"""\b(OFXHEADER|VERSION|ENCODING|CHARSET)\s*[:=]\s*["']?([A-Za-z0-9-]+?)["']?(?=\s|\?|DATA:|$)"""
)
_XML_ENCODING = re.compile(r"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_DECLARATION = re.compile(r"<!(?:DOCTYPE|ENTITY|ELEMENT)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
_CHARSETS = {"1252": "cp1252", "8859-1": "latin-1", "NONE": "", "UTF-8": "utf-8", "UNICODE": "utf-8"}
_CHARACTERS = (range(1, 0xD800), range(0xE000, 0x110000))  # NUL and halves of pairs are none


@dataclass(frozen=True, slots=True)
class Token:
    """A tag that opens (`is_open`) or closes, or the value that follows one."""

    where: str
    name: str  # in capitals; "" for a value
    is_open: bool
    value: str = ""


def tokens(file: BinaryIO, *, encoding: str) -> Iterator[Token]:
    """What stands in the file from `<OFX>` on.

    Raises `Refused`: `header` for a file without one, `charset` for text
    beyond ASCII in another encoding than the header says, `xml_doctype`,
    `value_length`, and what `Text` refuses.
    """
    text = Text(file, encoding=encoding, max_line=MAX_LINE)
    header, rest = _header(text)
    said = _charset(header)
    is_other = bool(said) and _codec(said) != codecs.lookup(encoding).name.removesuffix("-sig")
    scan = _Scan()
    for line in _lines(rest, text):
        if is_other and not line.isascii():
            message = f"the header says {said}, the source declares {encoding}"
            raise Refused(message, rule="charset", where=text.where, hint="declare what the sender writes")
        yield from scan.line(line, text.where)
    yield from scan.value(text.where)


class _Scan:
    """What was read and is not complete yet: a value, and a tag that goes on in the next line."""

    def __init__(self) -> None:
        self._value = ""
        self._begun = ""

    def line(self, line: str, where: str) -> Iterator[Token]:
        text = self._begun + line
        if _DECLARATION.search(text):
            message = "a document type declaration; entities could be declared in it"
            raise Refused(message, rule="xml_doctype", where=where)
        at = 0
        while (match := _TOKEN.search(text, at)) is not None:
            self._value += _decoded(text[at : match.start()])
            at = match.end()
            if match[2] is not None:
                yield from self.value(where)
                yield from _tags(match, where)
                continue
            end = text.find(_ENDS[match[0]], at)
            if end < 0:
                at = match.start()
                break
            self._value += text[at:end] if match[0] == "<![CDATA[" else ""
            at = end + 3
        self._keep(text[at:], where)

    def _keep(self, rest: str, where: str) -> None:
        begun = rest.find("<!") if rest.startswith("<!") else rest.rfind("<")
        self._begun = rest[begun:] if begun >= 0 else ""
        self._value += _decoded(rest[:begun] if begun >= 0 else rest)
        _check_length(len(self._value) + len(self._begun), where)

    def value(self, where: str) -> Iterator[Token]:
        """The value that stood before a tag, where one did."""
        _check_length(len(self._value), where)
        kept, self._value = " ".join(self._value.split()), ""
        if kept:
            yield Token(where, "", is_open=False, value=kept)


def _check_length(length: int, where: str) -> None:
    if length > MAX_VALUE:
        message = f"a value of more than {MAX_VALUE:,} characters"
        raise Refused(message, rule="value_length", where=where)


def _header(text: Text) -> tuple[str, str]:
    """What stands before `<OFX>`, and the rest of its line, from it on."""
    header = ""
    for line in text:
        match = _FIRST.search(line)
        if match is not None:
            header += line[: match.start()]
            break
        header += line
        if len(header) > MAX_HEADER:
            break
    else:
        match = None
    if match is None or "OFXHEADER" not in header:
        raise Refused("no header of OFX stands before <OFX>", rule="header")
    return header, line[match.start() :]


def _lines(first: str, text: Text) -> Iterator[str]:
    yield first
    yield from text


def _charset(header: str) -> str:
    """The encoding that the header names, or ""."""
    fields: dict[str, str] = dict(_FIELD.findall(header))
    xml = _XML_ENCODING.match(header.lstrip())
    if xml is not None:
        return str(xml[1])
    named = fields.get("CHARSET", "").upper().removeprefix("ISO-")
    if named in {"", "NONE"}:
        named = fields.get("ENCODING", "").upper()
        return {"UTF-8": "utf-8", "UNICODE": "utf-8"}.get(named, "")
    return _CHARSETS.get(named, named)


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name


def _tags(match: re.Match[str], where: str) -> Iterator[Token]:
    name = match[2].upper()
    if not match[1]:
        yield Token(where, name, is_open=True)
    if match[1] or match[3]:
        yield Token(where, name, is_open=False)


def _decoded(text: str) -> str:
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    if match[3] is not None:
        return _NAMED[str(match[3])]
    number = int(match[1]) if match[1] is not None else int(match[2], 16)
    return chr(number) if any(number in each for each in _CHARACTERS) else str(match[0])
