"""What a content is by its first bytes, and which encoding may be meant."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from ingest.vetting import suggested_encoding, what_it_is


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (gzip.compress(b"a", mtime=0), "gzip"),
        (bz2.compress(b"a"), "bzip2"),
        (lzma.compress(b"a"), "xz"),
        pytest.param(zipped("a.csv"), "zip", id="zip"),
        pytest.param(zipped("[Content_Types].xml"), "ooxml", id="ooxml"),
        pytest.param(tarred(), "tar", id="tar"),
        (b"%PDF-1.7\n", "pdf"),
        (b"MZ\x90\0\x03\0\0\0", "executable"),
        (b"MZ,1\nMY,2\n", "text"),
        (b"\x7fELF\x02", "executable"),
        (b'<?xml version="1.0"?><a/>', "xml"),
        (b"\xef\xbb\xbf\n<Document>", "xml"),
        ("<a/>".encode("utf-16"), "xml"),
        (b' \n[{"a": 1}]', "json"),
        (b"a,b\n1,2\n", "text"),
        ("Zażółć".encode("cp1250"), "text"),
        (b"1 < 2", "text"),
        (b"a\0b", "binary"),
    ],
)
def test_a_content_is_known_by_its_first_bytes(data: bytes, kind: str) -> None:
    file = io.BytesIO(data)
    file.seek(0, io.SEEK_END)

    assert what_it_is(file) == kind
    assert file.tell() == 0


@pytest.mark.parametrize(
    ("data", "declared", "suggested"),
    [
        (b"plain", "utf-8", ""),
        ("é".encode(), "ascii", "utf-8"),
        ("é".encode("utf-16"), "utf-8", "utf-16"),
        (b"\xef\xbb\xbfa", "cp1252", "utf-8"),
        (b"plain", "nowhere", "utf-8"),
        (b"a\0b", "utf-8", ""),
    ],
)
def test_an_encoding_is_suggested_only_where_the_declared_one_cannot_be(
    data: bytes, declared: str, suggested: str
) -> None:
    assert suggested_encoding(io.BytesIO(data), declared=declared) == suggested
