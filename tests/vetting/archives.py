"""Containers as hostile senders make them: every header is written by hand."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from dataclasses import dataclass


@dataclass(kw_only=True)
class Zipped:
    """An entry of a zip file; what is None is as it should be."""

    name: bytes = b"a.csv"
    data: bytes = b"a,b\n"
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    system: int = 3
    extra: bytes = b""
    packed: bytes | None = None
    size: int | None = None
    crc: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    offset: int | None = None
    descriptor: bytes = b""


def zip_of(*entries: Zipped, comment: bytes = b"", before: bytes = b"", count: int | None = None) -> bytes:
    """A zip file of these entries."""
    body, directory = bytearray(), bytearray()
    for entry in entries:
        raw = zlib.compressobj(9, zlib.DEFLATED, -15)
        deflated = raw.compress(entry.data) + raw.flush() if entry.method == 8 else entry.data
        packed = deflated if entry.packed is None else entry.packed
        size = len(entry.data) if entry.size is None else entry.size
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        offset = len(body) if entry.offset is None else entry.offset
        local_name = entry.name if entry.local_name is None else entry.local_name
        told = (crc, len(packed), size if entry.local_size is None else entry.local_size)
        if entry.flags & 8:
            told = (0, 0, 0)
        head = struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, entry.flags, entry.method, 0, 33, *told, len(local_name), 0
        )
        body += head + local_name + packed + entry.descriptor
        directory += struct.pack(
            "<4s6H3L5H2L",
            *(b"PK\1\2", entry.system << 8 | 20, 20, entry.flags, entry.method, 0, 33),
            *(crc, len(packed), size, len(entry.name), len(entry.extra), 0, 0, 0),
            *(entry.mode << 16, offset),
        )
        directory += entry.name + entry.extra
    number = len(entries) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, number, number, len(directory), len(body), len(comment))
    return before + bytes(body) + bytes(directory) + end + comment


def tar_of(*members: tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar file of these files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as tar:
        for name, data in members:
            told = tarfile.TarInfo(name)
            told.size = len(data)
            tar.addfile(told, io.BytesIO(data))
    return target.getvalue()


def tar_entry(name: str, type_: bytes, link: str = "", size: int = 0) -> bytes:
    """A tar file of one entry of any type, without content."""
    told = tarfile.TarInfo(name)
    told.type, told.linkname, told.size = type_, link, size
    return told.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def overlapping() -> bytes:
    """A zip file whose first entry holds the second: what is packed once is taken out twice."""
    inner = zip_of(Zipped(name=b"1"))
    inner = inner[: inner.index(b"PK\1\2")]
    return zip_of(Zipped(name=b"0", data=inner, method=0), Zipped(name=b"1", offset=31))
