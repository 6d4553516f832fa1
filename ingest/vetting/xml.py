"""XML piece by piece, in flat memory, without a DOCTYPE and without anything from outside the content.

Entities, external subsets and parameter entities all need a DOCTYPE, so a
content that has one is refused before a parser that could expand them reads it.
Elements are known by their local names: banks send the same message under the
namespaces of many versions. https://www.w3.org/TR/xml/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn
from xml.parsers import expat

from ingest.errors import ExtraMissing
from ingest.vetting.refused import Refused

if TYPE_CHECKING:
    from lxml import etree

MAX_PROLOG = 1_048_576  # bytes before the first element
MAX_PIECE = 16_777_216  # bytes of one piece, and of what stands between two
MAX_MARKS = 700_000  # "<" and, twice, "=" there: a tree takes some hundred bytes for each, however short
_CHUNK = 65_536


@dataclass(slots=True)  # not frozen: one is made for each of millions of elements
class Piece:
    """A part of a document: an element read whole, or one of those around it that opens or closes."""

    kind: str  # "open" | "whole" | "close"
    name: str  # its local name
    element: etree._Element  # of an "open" only its attributes are there

    @property
    def where(self) -> str:
        """Its place, as messages name it."""
        return f"line {self.element.sourceline}"


class _RootFound(Exception):
    """The prolog is read."""


def xml_root(file: BinaryIO) -> tuple[str, str]:
    """Namespace (or "") and local name of the document's element; only the prolog is read.

    Raises `Refused`: `xml` for what is not XML, `xml_doctype`, `xml_prolog`.
    """
    found: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, _: object) -> NoReturn:
        found.append(name)
        raise _RootFound

    def doctype(*_: object) -> NoReturn:
        where = f"line {parser.CurrentLineNumber}"
        raise Refused(
            "a document type declaration; entities could be declared in it",
            rule="xml_doctype",
            where=where,
            hint="have it sent without one",
        )

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    try:
        _feed_prolog(parser, file)
    except _RootFound:
        pass
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, "an encoding that is not known")
        raise Refused(
            f"not XML: {reason}", rule="xml", where=f"line {error.lineno}, column {error.offset + 1}"
        ) from None
    except (LookupError, ValueError):
        raise Refused("not XML: its declared encoding is not known", rule="xml", where="line 1") from None
    finally:
        file.seek(0)
    namespace, _, name = found[0].rpartition(" ")
    return namespace, name


def _feed_prolog(parser: expat.XMLParserType, file: BinaryIO) -> None:
    taken = 0
    while chunk := file.read(_CHUNK):
        parser.Parse(chunk, False)  # noqa: FBT003  # expat's own signature
        taken += len(chunk)
        if taken > MAX_PROLOG:
            raise Refused(f"no element in the first {MAX_PROLOG:,} bytes", rule="xml_prolog")
    parser.Parse(b"", True)  # noqa: FBT003  # likewise; it raises, since no element was found


def xml_pieces(file: BinaryIO, *, whole: Sequence[str], around: Sequence[str] = ()) -> Iterator[Piece]:
    """The elements named in `whole` as they end, and when those named in `around` open and close.

    An element is emptied once the next piece is asked for. `whole` elements
    inside one another are given from the inside out. Raises `Refused`: what
    `xml_root` does, `xml` also where the document ends too early, `xml_piece`
    for more than 16 MiB, or `MAX_MARKS`, without a piece; `ExtraMissing` where lxml is not installed.
    """
    xml_root(file)
    try:
        from lxml import etree  # noqa: PLC0415  # an extra
    except ImportError:
        raise ExtraMissing(
            "reading XML needs the extra `formats`", hint="pip install 'ingest[formats]'"
        ) from None
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=[f"{{*}}{name}" for name in (*whole, *around)],
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        yield from _pieces(parser, file, frozenset(whole))
    except etree.XMLSyntaxError as error:
        line, column = error.position
        # libxml2's own words quote the content, so its number for them stands here.
        reason = f"error {error.args[1] if len(error.args) > 1 else 0} of libxml2"
        raise Refused(f"not XML: {reason}", rule="xml", where=f"line {line}, column {column}") from None


def _pieces(parser: etree.XMLPullParser, file: BinaryIO, whole: frozenset[str]) -> Iterator[Piece]:
    since = marks = 0
    while chunk := file.read(_CHUNK):
        parser.feed(chunk)
        since += len(chunk)
        marks += chunk.count(b"<") + 2 * chunk.count(b"=")
        for event, found in parser.read_events():
            element: Any = found
            name = local_name(element)
            if name not in whole:
                yield Piece("open" if event == "start" else "close", name, element)
            elif event == "end":
                yield Piece("whole", name, element)
                _forget(element)
                since = marks = 0
        if since > MAX_PIECE:
            raise Refused(f"more than {MAX_PIECE:,} bytes without a piece that is known", rule="xml_piece")
        if marks > MAX_MARKS:
            raise Refused(f"more than {MAX_MARKS:,} tags without a piece that is known", rule="xml_piece")
    parser.close()


def _forget(element: etree._Element) -> None:
    """Let go of an element's content and of all that stands before it."""
    element.clear()
    while (parent := element.getparent()) is not None:
        while parent[0] is not element:
            del parent[0]
        element = parent


def local_name(element: etree._Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


@cache
def _path(path: str) -> str:
    return "/".join(f"{{*}}{part}" for part in path.split("/"))


def one_of(element: etree._Element, path: str) -> etree._Element | None:
    """The first element at `path` below `element`, by local names: `"Amt/Ccy"`."""
    return element.find(_path(path))


def all_of(element: etree._Element, path: str) -> list[etree._Element]:
    """Every element at `path` below `element`, by local names."""
    found: list[Any] = element.findall(_path(path))
    return found


def text_of(element: etree._Element, *paths: str) -> str:
    """The text at the first of `paths` that has any, without spaces around it; "" where none has."""
    for path in paths:
        found = element.find(_path(path))
        if found is not None and found.text and (text := found.text.strip()):
            return text
    return ""
