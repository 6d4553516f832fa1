"""The directory of a zip file: every entry as it is told twice, in the directory and before its data.

What two readers could understand in two ways is refused: entries that overlap,
or are told in two ways, a directory that is not where it should be, something
behind it. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ingest.vetting.caps import Caps
from ingest.vetting.refused import Refused
from ingest.vetting.zipend import FULL, FULL_64, Directory, find_directory, not_zip

_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _DESCRIBED, _STRONG, _UTF_8 = 1 << 0, 1 << 3, 1 << 6, 1 << 11
_MASKED = 1 << 13
_UNIX = 3
_ZIP_64, _UNICODE_PATH = 0x0001, 0x7075
_MOST_FIELDS = 100  # of one entry


@dataclass(slots=True, kw_only=True)
class ZipEntry:
    """An entry, as the directory tells it; `start` and `end` are those of its data, once they are found."""

    number: int
    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int  # bytes
    size: int  # bytes
    mode: int  # as Unix has it; 0 where it is not told
    begin: int  # of what is told of it before its data
    start: int = 0
    end: int = 0
    is_described: bool = False  # its checksum and sizes follow its data

    @property
    def where(self) -> str:
        """Its place, as messages name it."""
        return f"entry {self.number}"

    @property
    def is_encrypted(self) -> bool:
        """True where only a password opens it."""
        return bool(self.flags & _ENCRYPTED)


def zip_entries(file: BinaryIO, caps: Caps) -> list[ZipEntry]:
    """All entries of a zip file as its directory tells them; where their data are is not known yet.

    Raises `Refused`: `truncated`, `zip`, `encrypted`, `entries`.
    """
    directory = find_directory(file)
    caps.check_entries(directory.count)
    return list(_listed(file, directory))


def find_data(file: BinaryIO, entries: list[ZipEntry]) -> None:
    """It is known where the data of all entries are, and that none overlaps another.

    Raises `Refused`: `zip`, `zip_local`, `zip_overlap`.
    """
    for entry in entries:
        _find_data(file, entry)
    _check_places(file, entries, find_directory(file).offset)


def entry_called(file: BinaryIO, wanted: str) -> ZipEntry | None:
    """The entry of this name in a zip file all of which was vetted before, with the place of its data."""
    plain = {wanted.encode(), f"./{wanted}".encode()}

    def may_be(raw: bytes, extra: bytes) -> bool:
        return raw in plain or not raw.isascii() or b"up" in extra  # the latter may say another name

    for entry in _listed(file, find_directory(file), may_be):
        if entry.name.removeprefix("./") == wanted:
            _find_data(file, entry)
            return entry
    return None


def _listed(
    file: BinaryIO, directory: Directory, may_be: Callable[[bytes, bytes], bool] = lambda *_: True
) -> Iterator[ZipEntry]:
    file.seek(directory.offset)
    left = directory.size
    for number in range(1, directory.count + 1):
        head = file.read(_ENTRY.size)
        if left < _ENTRY.size or len(head) < _ENTRY.size or head[:4] != b"PK\1\2":
            raise not_zip("its directory cannot be read", number)
        values = _ENTRY.unpack(head)
        lengths = values[10:13]
        left -= _ENTRY.size + sum(lengths)
        if left < 0:
            raise not_zip("its directory is longer than it says", number)
        name, extra, _comment = (file.read(length) for length in lengths)
        if may_be(name, extra):
            yield _entry(number, values, name, extra, base=directory.base)
    if left:
        raise not_zip("its directory is shorter than it says")


def _entry(number: int, values: tuple[int, ...], raw_name: bytes, extra: bytes, *, base: int) -> ZipEntry:
    made_by, _, flags, method, _, _, crc, packed, size = values[1:10]
    disk, _, attributes, offset = values[13:]
    extras = _extras(extra, number)
    size, packed, offset = _in_64(extras, (size, packed, offset), number)
    if disk not in (0, FULL):
        raise not_zip("it is one of several parts", number)
    if flags & (_STRONG | _MASKED):
        raise Refused("encrypted", rule="encrypted", where=f"entry {number}", hint=PLAIN)
    return ZipEntry(
        number=number,
        name=_name(raw_name, flags, made_by >> 8, extras, number),
        raw_name=raw_name,
        flags=flags,
        method=method,
        crc=crc,
        packed=packed,
        size=size,
        mode=attributes >> 16,
        begin=base + offset,
    )


PLAIN = "have it sent without a password, encrypted as a whole if need be"


def _extras(data: bytes, number: int) -> dict[int, list[bytes]]:
    """The extra fields by their numbers."""
    found: dict[int, list[bytes]] = {}
    at = 0
    for _ in range(_MOST_FIELDS):
        if at + 4 > len(data):  # fewer bytes pad it
            return found
        key, length = struct.unpack_from("<2H", data, at)
        at += 4 + length
        if at > len(data):
            break
        found.setdefault(key, []).append(data[at - length : at])
    raise not_zip("its extra fields cannot be read", number)


def _in_64(extras: dict[int, list[bytes]], values: tuple[int, ...], number: int) -> tuple[int, ...]:
    """Each value, from the field of zip64 where the record has no room for it."""
    extra = extras.get(_ZIP_64, [b""])[0]
    whole = []
    for value in values:
        if value != FULL_64:
            whole.append(value)
            continue
        if len(extra) < 8:  # noqa: PLR2004  # bytes of a value
            raise not_zip("its zip64 field lacks a value", number)
        whole.append(int.from_bytes(extra[:8], "little"))
        extra = extra[8:]
    return tuple(whole)


def _name(raw: bytes, flags: int, system: int, extras: dict[int, list[bytes]], number: int) -> str:
    """UTF-8 where it says so, or where it was made on Unix and is; else code page 437, as it was."""
    valid = b"\1" + zlib.crc32(raw).to_bytes(4, "little")
    for told in extras.get(_UNICODE_PATH, ()):
        if told.startswith(valid) and len(told) > len(valid):
            raw, flags = told[len(valid) :], flags | _UTF_8
            break
    try:
        if flags & _UTF_8 or raw.isascii():
            return raw.decode()
        return raw.decode() if system == _UNIX else raw.decode("cp437")
    except UnicodeDecodeError:
        if flags & _UTF_8:
            raise Refused("the name of a member is not UTF-8", rule="name", where=f"entry {number}") from None
        return raw.decode("cp437")


def _find_data(file: BinaryIO, entry: ZipEntry) -> None:
    """The entry as it is told before its data is what the directory says."""
    file.seek(entry.begin)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
        raise not_zip("its data are not where they are said to be", entry.number)
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(head)
    name, extra = file.read(name_length), file.read(extra_length)
    entry.start = entry.begin + _LOCAL.size + name_length + extra_length
    entry.end = entry.start + entry.packed
    said = (name, method, flags & _ENCRYPTED)
    if said != (entry.raw_name, entry.method, entry.flags & _ENCRYPTED):
        raise _told_twice(entry)
    size, packed = _in_64(_extras(extra, entry.number), (size, packed), entry.number)
    told, wanted = (crc, packed, size), (entry.crc, entry.packed, entry.size)
    entry.is_described = bool(flags & _DESCRIBED) and told != wanted
    if told != wanted and not (entry.is_described and all(map(_is_later, told, wanted))):
        raise _told_twice(entry)


def _is_later(told: int, wanted: int) -> bool:
    """A value that is told after the data is zero before them, or the same already."""
    return told in (0, wanted)


def _check_places(file: BinaryIO, entries: list[ZipEntry], directory: int) -> None:
    """No entry reaches into another, or into the directory; what follows its data is what it says."""
    end = 0
    before: ZipEntry | None = None
    for entry in sorted(entries, key=lambda entry: entry.begin):
        if entry.begin < end:
            other = "" if before is None else f" entry {before.number}"
            raise Refused(f"its data overlap{other}", rule="zip_overlap", where=entry.where)
        end, before = entry.end, entry
        if end > directory:
            raise Refused("its data overlap the directory", rule="zip_overlap", where=entry.where)
        if entry.is_described:
            end += _described(file, entry)


def _described(file: BinaryIO, entry: ZipEntry) -> int:
    """The length of what follows the data of an entry, which says what the directory says."""
    file.seek(entry.end)
    found = file.read(24)
    for mark in (b"PK\7\x08", b""):
        for form in ("<3L", "<L2Q"):
            if form == "<3L" and max(entry.packed, entry.size) >= FULL_64:
                continue
            wanted = mark + struct.pack(form, entry.crc, entry.packed, entry.size)
            if found.startswith(wanted):
                return len(wanted)
    raise _told_twice(entry)


def _told_twice(entry: ZipEntry) -> Refused:
    return Refused(
        "the directory and the entry itself tell it in two ways", rule="zip_local", where=entry.where
    )
