"""Where the directory of a zip file is: told at the file's very end, in plain or in zip64.

Only what all readers find is taken: one end record, nothing behind it, the
directory right before it. What stands before the zip file itself is passed over.
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ingest.vetting.refused import Refused
from ingest.vetting.streams import truncated

FULL, FULL_64 = 0xFFFF, 0xFFFFFFFF  # what stands where zip64 tells more
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_MOST_COMMENT = 65_535


@dataclass(slots=True, kw_only=True)
class Directory:
    """Place, size and count of what stands in it."""

    offset: int  # in the file
    size: int  # bytes
    count: int
    base: int  # bytes before the zip file's own first byte


def find_directory(file: BinaryIO) -> Directory:
    """The directory of a zip file. Raises `Refused`: `truncated`, `zip`."""
    end, found = _end(file)
    _, disk, first_disk, here, count, size, offset, _ = found
    if (disk, first_disk) != (0, 0) or here != count:
        raise not_zip("it is one of several parts")
    at = end
    if FULL in (here, count) or FULL_64 in (size, offset):
        at, here, count, size, offset = _end_64(file, end, (here, count, size, offset))
    base = at - size - offset
    if base < 0:
        raise not_zip("its directory is not where it is said to be")
    return Directory(offset=offset + base, size=size, count=count, base=base)


def _end(file: BinaryIO) -> tuple[int, tuple[int, ...]]:
    """Where the end record is, and what it says; its comment ends where the file does."""
    size = file.seek(0, io.SEEK_END)
    start = max(0, size - _END.size - _MOST_COMMENT)
    file.seek(start)
    tail = file.read()
    at = [n for n in _places(tail, b"PK\5\6") if _is_end(tail, n)]
    if not at:
        file.seek(0)
        raise truncated("the end") if file.read(4) == b"PK\3\4" else not_zip("it has no end record")
    if len(at) > 1:
        raise not_zip("it has two end records")
    return start + at[0], _END.unpack_from(tail, at[0])


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


def _is_end(tail: bytes, at: int) -> bool:
    if at + _END.size > len(tail):
        return False
    length: int = _END.unpack_from(tail, at)[-1]
    return at + _END.size + length == len(tail)


def _end_64(file: BinaryIO, end: int, said: tuple[int, int, int, int]) -> tuple[int, int, int, int, int]:
    """Place, counts, size and offset as zip64 tells them; as the end record does where there is no zip64."""
    at = end - _LOCATOR.size
    locator = _read_at(file, at, _LOCATOR)
    if locator is None or locator[0] != b"PK\6\7":
        return end, *said
    start = at - _END_64.size
    found = _read_at(file, start, _END_64)
    if found is None or found[0] != b"PK\6\6":
        raise not_zip("its zip64 end record is not where it should be")
    _, length, _, _, disk, first_disk, here, count, size, offset = found
    if length != _END_64.size - 12 or (disk, first_disk, locator[1]) != (0, 0, 0) or here != count:
        raise not_zip("its zip64 end record cannot be read")
    return start, here, count, size, offset


def _read_at(file: BinaryIO, at: int, record: struct.Struct) -> tuple[Any, ...] | None:
    if at < 0:
        return None
    file.seek(at)
    data = file.read(record.size)
    return record.unpack(data) if len(data) == record.size else None


def not_zip(message: str, number: int | None = None) -> Refused:
    """The refusal of what no zip file may be, at an entry where it is one that is wrong."""
    return Refused(
        f"not a zip file: {message}", rule="zip", where="" if number is None else f"entry {number}"
    )
