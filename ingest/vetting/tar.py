"""Members of a tar file, one after another, in flat memory: ustar, its forerunner, GNU and pax.

Links, devices, pipes and sparse files are refused, and so is a file without its
end: two blocks of zeros, which alone tell that nothing was cut off.
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from ingest.vetting.caps import Caps
from ingest.vetting.membernames import Names
from ingest.vetting.refused import Refused
from ingest.vetting.streams import PIECE, readable, truncated

BLOCK = 512
_MOST_TOLD = 65_536  # bytes of what an entry says of the one after it
_ZEROS = bytes(BLOCK)

_FILES = frozenset(b"\x0007")
_FOLDER = ord("5")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_FOR_ALL = map(ord, "LKxg")
_TELLING = frozenset({_LONG_NAME, _LONG_LINK, _PAX, _PAX_FOR_ALL})
_REFUSED = {
    ord("1"): "a hard link",
    ord("2"): "a symbolic link",
    ord("3"): "a device",
    ord("4"): "a device",
    ord("6"): "a pipe",
    ord("S"): "a sparse file",
}
_NOT_FOR_ALL = frozenset({b"path", b"linkpath", b"size"})
_RECORD = re.compile(rb"([0-9]{1,7}) ")


@dataclass(slots=True, kw_only=True)
class Entry:
    """A file of a tar, as its headers tell it."""

    number: int
    name: str
    size: int
    type: int


@dataclass(slots=True, kw_only=True)
class _Told:
    """What entries said of the one after them."""

    name: bytes | None = None
    attributes: dict[bytes, bytes] = field(default_factory=dict)


def is_tar(block: bytes) -> bool:
    """Whether a header with its own checksum stands at the beginning of `block`."""
    return len(block) >= BLOCK and block[0] != 0 and _has_checksum(block[:BLOCK])


def tar_files(
    file: BinaryIO, caps: Caps, is_wanted: Callable[[str], bool], names: Names
) -> Iterator[tuple[Entry, BinaryIO]]:
    """The files of a tar that are wanted, each with its bytes, to be read before the next is asked for.

    Raises `Refused`: `tar`, `truncated`, `trailing`, `entry_type`, and what names and bounds do.
    """
    number, total = 0, 0
    told = _Told()
    while (header := _block(file, number + 1)) != _ZEROS:
        number += 1
        caps.check_entries(number)
        entry = _entry(header, number)
        if entry.type in _TELLING:
            _tell(told, entry, _content(file, entry, _MOST_TOLD))
            continue
        entry = _as_told(entry, told)
        told = _Told()
        where = f"entry {number}"
        if entry.type in _FILES and not entry.name.endswith("/"):
            entry.name = names.add_file(entry.name, where=where)
            caps.check_member(entry.size, where=where)
            total += entry.size
            caps.check_total(total)
            pieces = _pieces(file, entry)
            if is_wanted(entry.name):
                yield entry, readable(pieces)
            for _ in pieces:  # what nobody read
                pass
        else:
            _check_folder(entry)
            names.add_folder(entry.name, where=where)
    _check_end(file)


def _pieces(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    left = entry.size
    while left:
        piece = file.read(min(left, PIECE))
        if not piece:
            raise truncated(f"entry {entry.number}")
        left -= len(piece)
        yield piece
    _skip_padding(file, entry)


def _skip_padding(file: BinaryIO, entry: Entry) -> None:
    padding = -entry.size % BLOCK
    if len(file.read(padding)) < padding:
        raise truncated(f"entry {entry.number}")


def _content(file: BinaryIO, entry: Entry, most: int) -> bytes:
    if entry.size > most:
        raise _not_tar(entry.number, f"more than {most:,} bytes tell of one entry")
    data = file.read(entry.size)
    if len(data) < entry.size:
        raise truncated(f"entry {entry.number}")
    _skip_padding(file, entry)
    return data


def _block(file: BinaryIO, number: int) -> bytes:
    block = file.read(BLOCK)
    if len(block) < BLOCK:
        raise truncated(f"entry {number}")
    return block


def _entry(header: bytes, number: int) -> Entry:
    if not _has_checksum(header):
        raise _not_tar(number, "its header has another checksum")
    size = _number(header[124:136])
    if size is None:
        raise _not_tar(number, "its size is no number")
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0" and header[345]:
        name = header[345:500].split(b"\0", 1)[0] + b"/" + name
    is_empty = header[156] == _FOLDER
    return Entry(number=number, name=_text(name, number), size=0 if is_empty else size, type=header[156])


def _tell(told: _Told, entry: Entry, data: bytes) -> None:
    if entry.type == _LONG_NAME:
        told.name = data.rstrip(b"\0")
    elif entry.type == _PAX:
        told.attributes.update(_records(data, entry.number))
    elif entry.type == _PAX_FOR_ALL and not _NOT_FOR_ALL.isdisjoint(_records(data, entry.number)):
        raise _not_tar(entry.number, "one name or one size for all entries")


def _as_told(entry: Entry, told: _Told) -> Entry:
    if any(name.startswith(b"GNU.sparse.") for name in told.attributes):
        raise _refused_type(entry.number, "a sparse file")
    name = told.attributes.get(b"path", told.name)
    if name is not None:
        entry.name = _text(name, entry.number)
    if b"size" in told.attributes:
        digits = told.attributes[b"size"]
        if not digits.isdigit() or len(digits) > 19:  # noqa: PLR2004  # digits of 2**63
            raise _not_tar(entry.number, "its size is no number")
        entry.size = int(digits)
    return entry


def _records(data: bytes, number: int) -> dict[bytes, bytes]:
    """The records of pax: length, space, name, equals sign, value, line feed."""
    found = {}
    while data:
        match = _RECORD.match(data)
        length = int(match[1]) if match else 0
        record = data[match.end() : length] if match else b""
        name, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or length > len(data):
            raise _not_tar(number, "what it tells of the next entry cannot be read")
        found[name] = value[:-1]
        data = data[length:]
    return found


def _check_folder(entry: Entry) -> None:
    if entry.type in _REFUSED:
        raise _refused_type(entry.number, _REFUSED[entry.type])
    if entry.type not in _FILES | {_FOLDER}:
        raise _refused_type(entry.number, "of a type that is not known")
    if entry.size:
        raise _not_tar(entry.number, "a folder that has content")


def _check_end(file: BinaryIO) -> None:
    """After the first block of zeros comes another, and then nothing but zeros."""
    if len(file.read(BLOCK)) < BLOCK:
        raise truncated("the end")
    while data := file.read(PIECE):
        if data.strip(b"\0"):
            raise Refused("something follows its end", rule="trailing")


def _number(field_: bytes) -> int | None:
    """Octal digits, or base 256 where the first bit says so; None where it is neither."""
    if field_[0] & 0x80:
        value = int.from_bytes(field_, "big") & (1 << (8 * len(field_) - 1)) - 1
        return value if value < 1 << 63 else None
    digits = field_.strip(b" \0")
    if not digits:
        return 0
    return int(digits, 8) if re.fullmatch(rb"[0-7]+", digits) else None


def _has_checksum(header: bytes) -> bool:
    said = _number(header[148:156])
    blank = header[:148] + b" " * 8 + header[156:]
    # The second sum is that of old writers, to whom a byte had a sign.
    return said is not None and (said == sum(blank) or said == sum(memoryview(blank).cast("b")))


def _text(name: bytes, number: int) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise Refused("the name of a member is not UTF-8", rule="name", where=f"entry {number}") from None


def _not_tar(number: int, message: str) -> Refused:
    return Refused(f"not a tar file: {message}", rule="tar", where=f"entry {number}")


def _refused_type(number: int, what: str) -> Refused:
    return Refused(f"{what}; only files and folders are taken", rule="entry_type", where=f"entry {number}")
