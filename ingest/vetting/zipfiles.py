"""Members of a zip file: stored, deflated, or compressed by bzip2 or zstd, each proved by its checksum."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from ingest.vetting.caps import Caps
from ingest.vetting.membernames import Names
from ingest.vetting.refused import Refused
from ingest.vetting.streams import PIECE, Part, readable
from ingest.vetting.zipdirectory import PLAIN, ZipEntry, entry_called, find_data, zip_entries

_METHODS = {8: "deflate", 12: "bzip2", 93: "zstd"}
_STORED = 0
_SPECIAL = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)


def zip_file(file: BinaryIO, wanted: str) -> BinaryIO | None:
    """The bytes of one file of a zip that was vetted before; None where it has none of this name."""
    entry = entry_called(file, wanted)
    return None if entry is None else readable(_proved(file, entry))


def zip_files(
    file: BinaryIO, caps: Caps, is_wanted: Callable[[str], bool]
) -> Iterator[tuple[ZipEntry, BinaryIO]]:
    """The files of a zip that are wanted, each with its bytes, to be read before the next is asked for.

    Every entry is vetted before the first is read. Raises `Refused`: what `zip_entries` and `find_data`
    do, `entry_type`, and for what is read `encrypted`, `zip_method`, `damaged`.
    """
    entries = zip_entries(file, caps)
    files = list(_vetted(entries))
    find_data(file, entries)
    for entry in files:
        caps.check_member(entry.size, where=entry.where)
        caps.check_ratio(entry.size, of=entry.packed, where=entry.where)
    caps.check_total(sum(entry.size for entry in files))
    for entry in files:
        if is_wanted(entry.name):
            yield entry, readable(_proved(file, entry))


def _vetted(entries: Iterable[ZipEntry]) -> Iterator[ZipEntry]:
    names = Names()
    for entry in entries:
        if stat.S_IFMT(entry.mode) in _SPECIAL:
            raise Refused(
                "a link, a device or a pipe; only files and folders are taken",
                rule="entry_type",
                where=entry.where,
            )
        if entry.name.endswith("/"):
            names.add_folder(entry.name, where=entry.where)
            if entry.size:
                raise Refused("a folder that has content", rule="entry_type", where=entry.where)
        else:
            entry.name = names.add_file(entry.name, where=entry.where)
            yield entry


def _proved(file: BinaryIO, entry: ZipEntry) -> Iterator[bytes]:
    size, crc = 0, 0
    for piece in _pieces(file, entry):
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        if size > entry.size:
            break
        yield piece
    if (size, crc) != (entry.size, entry.crc):
        raise Refused("its bytes are not those the directory tells of", rule="damaged", where=entry.where)


def _pieces(file: BinaryIO, entry: ZipEntry) -> Iterator[bytes]:
    if entry.is_encrypted:
        raise Refused("encrypted", rule="encrypted", where=entry.where, hint=PLAIN)
    at = entry.start

    def more() -> bytes:
        nonlocal at
        file.seek(at)
        data = file.read(min(PIECE, entry.end - at))
        at += len(data)
        return data

    if entry.method == _STORED:
        yield from iter(more, b"")
        return
    if entry.method not in _METHODS:
        raise Refused(
            f"compression method {entry.method}",
            rule="zip_method",
            where=entry.where,
            hint="have it deflated",
        )
    part = Part(_METHODS[entry.method], b"", more, place=lambda: entry.where)
    yield from part
    if part.rest or at != entry.end:
        raise Refused("something follows its compressed data", rule="damaged", where=entry.where)
