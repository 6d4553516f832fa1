"""Whether a workbook that cannot be read has a password.

The library that reads workbooks does not tell, unless it is told what kind a
file is. A workbook of the newer kinds is then one stream of a compound file,
`EncryptedPackage`; one of the older kind has a record `FilePass` at the
beginning of its stream; one of OpenDocument says it part by part in its
manifest. Nothing is decrypted, and no chain of sectors is followed.

https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb
https://learn.microsoft.com/openspecs/office_file_formats/ms-offcrypto
https://learn.microsoft.com/openspecs/office_file_formats/ms-xls
https://docs.oasis-open.org/office/OpenDocument/v1.3/
"""

from __future__ import annotations

import io
import zipfile
import zlib
from struct import unpack_from
from typing import BinaryIO

_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKAGE = "EncryptedPackage"
_STREAMS = ("Workbook", "Book")  # of .xls, since 1997 and before
_NAME, _START = 64, 116  # bytes of a name in an entry of the directory; where its first sector is told
_SECTOR_SHIFTS = (9, 12)  # a sector has two to the power of these bytes
_BOF, _WRITE_PROTECT, _FILE_PASS = 0x0809, 0x0086, 0x002F
_MANIFEST = "META-INF/manifest.xml"
_MAX_MANIFEST = 1_048_576  # bytes


def has_password(file: BinaryIO) -> bool:
    """True of a workbook that is encrypted; at most all of the file is held in memory."""
    file.seek(0)
    if file.read(len(_COMPOUND)) != _COMPOUND:
        return _is_in_manifest(file)
    file.seek(0)
    data = file.read()
    return _entry(data, _PACKAGE) is not None or any(_has_file_pass(data, name) for name in _STREAMS)


def _entry(data: bytes, name: str) -> int | None:
    """Where the entry of that name stands in the directory of a compound file."""
    written = name.encode("utf-16-le")
    length = len(written) + 2  # with a NUL, which is of two bytes, too
    found = data.find(written.ljust(_NAME, b"\0") + length.to_bytes(2, "little"))
    return None if found < 0 else found


def _has_file_pass(data: bytes, name: str) -> bool:
    entry = _entry(data, name)
    if entry is None or data[30] not in _SECTOR_SHIFTS or len(data) < entry + _START + 4:
        return False
    [sector] = unpack_from("<I", data, entry + _START)
    at = (sector + 1) << data[30]
    for expected in (_BOF, _WRITE_PROTECT):  # which need not be there
        kind, length = unpack_from("<HH", data[at : at + 4].ljust(4, b"\0"))
        if kind == expected:
            at += 4 + length
    return data[at : at + 2] == _FILE_PASS.to_bytes(2, "little")


def _is_in_manifest(file: BinaryIO) -> bool:
    file.seek(0, io.SEEK_SET)
    try:
        with zipfile.ZipFile(file) as parts, parts.open(_MANIFEST) as manifest:
            return b":encryption-data" in manifest.read(_MAX_MANIFEST)
    except (KeyError, zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError):
        return False  # RuntimeError: the part itself is encrypted, or of a kind that is not read
