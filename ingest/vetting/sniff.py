"""What a content is by its first bytes, and which encoding it may have: not what is declared."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from typing import BinaryIO

from ingest.vetting.refused import Refused
from ingest.vetting.streams import MAGIC
from ingest.vetting.tar import is_tar
from ingest.vetting.text import mark_of

CONTAINERS = frozenset({"gzip", "bzip2", "xz", "zstd", "zip", "tar"})
TEXTS = frozenset({"text", "json", "xml", "script", "binary", "empty"})  # of "binary" its reader knows more

HEAD = 4_096  # bytes that are looked at
_CHUNK = 1_048_576
_SAMPLE = 65_536  # bytes from which an encoding is suggested

_MAGIC = (  # what a content begins with; the first that fits
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    *((magic, "zstd") for magic in MAGIC["zstd"]),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # one without members
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),  # .xls, .doc, .msg
    (b"%PDF-", "pdf"),
    (b"\x7fELF", "executable"),
    (b"MZ", "executable"),
    (b"\xca\xfe\xba\xbe", "executable"),
    (b"\xcf\xfa\xed\xfe", "executable"),
    (b"#!", "script"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"\x80\x04\x95", "pickle"),
)
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"
_OOXML = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/")  # first members of office documents
_XML = re.compile(r"\s*<(?:\?xml|!|[A-Za-z_])")
_JSON = re.compile(r"\s*(?:\[|\{\s*(?:[\"}]|\Z))")  # not "{1:", by which a SWIFT message begins
_SAID = {"executable": "an executable", "image": "an image", "ole": "an office document"}
_UNPACK = "let `unpack` take it apart, and this processor accept `ingest.file.extracted.v1` alone"
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


def what_it_is(file: BinaryIO) -> str:
    """One word, from `empty` over `gzip`, `ooxml`, `pdf`, `executable`, `xml`, `json` and `text` to `binary`.

    The file is read from its beginning and left there.
    """
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if not head:
        return "empty"
    kind = next((word for magic, word in _MAGIC if head.startswith(magic)), "")
    if kind == "zip" and head[30:].startswith((*_OOXML, _OPEN_DOCUMENT)):
        return "opendocument" if head[30:].startswith(_OPEN_DOCUMENT) else "ooxml"
    if kind and not (kind == "executable" and head.startswith(b"MZ") and _as_text(head) is not None):
        return kind
    return "tar" if is_tar(head) else _kind_of_text(head)


def check_kind(file: BinaryIO, wanted: Collection[str], *, called: str) -> None:
    """The content is of one of the kinds that are wanted; raises `Refused` (`type`)."""
    kind = what_it_is(file)
    if kind not in wanted:
        hint = _UNPACK if kind in CONTAINERS else "have the sender look at what was sent"
        raise Refused(f"the content is {_SAID.get(kind, kind)}, not {called}", rule="type", hint=hint)


def _kind_of_text(head: bytes) -> str:
    text = _as_text(head)
    if text is None:
        return "binary"
    if _XML.match(text):
        return "xml"
    return "json" if _JSON.match(text) else "text"


def _as_text(head: bytes) -> str | None:
    """The beginning of a content as text in some encoding, or None where it is none."""
    decoder = codecs.getincrementaldecoder(mark_of(head) or "utf-8")()
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        text = head.decode("latin-1")  # which takes any byte; control characters tell
    return None if _CONTROL.search(text) else text.removeprefix("\ufeff")


def is_text(file: BinaryIO, *, declared: str) -> bool:
    """True where a content is text in some encoding, so that one can be declared for it."""
    kind = what_it_is(file)
    # What no mark tells of may still be text, such as UTF-16, for whoever knows its encoding.
    return kind in TEXTS and (
        kind != "binary" or _is_readable(file, declared) or bool(suggested_encoding(file, declared=declared))
    )


def suggested_encoding(file: BinaryIO, *, declared: str) -> str:
    """An encoding in which the whole content can be read, where `declared` is none; else "".

    It is a suggestion to a person: that bytes can be read in an encoding does
    not say that they were written in it. What is neither marked nor UTF-8 is
    left to charset-normalizer, where the extra `formats` is installed.
    """
    for name in (declared, mark_of(_head(file)), "utf-8", _likeliest(file)):
        if name and _is_readable(file, name):
            return "" if name == declared else name
    return ""


def _likeliest(file: BinaryIO) -> str:
    try:
        from charset_normalizer import from_bytes  # noqa: PLC0415  # of an extra
    except ImportError:
        return ""
    file.seek(0)
    best = from_bytes(file.read(_SAMPLE)).best()
    return best.encoding if best is not None else ""


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(4)


def _is_readable(file: BinaryIO, encoding: str) -> bool:
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        return False
    marked = mark_of(_head(file))
    if marked and codecs.lookup(marked).name not in codecs.lookup(encoding).name:
        return False
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK):
            if _CONTROL.search(decoder.decode(chunk)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    finally:
        file.seek(0)
    return True
