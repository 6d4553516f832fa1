"""What a content is by its first bytes, and which encoding may be meant."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from ingest.vetting import CONTAINERS, TEXTS, Refused, check_kind, is_text, suggested_encoding, what_it_is


def zipped(name: str, content: str = "x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
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
        (b"\x28\xb5\x2f\xfd\x20\1\x09\0\0a", "zstd"),
        (b"\x50\x2a\x4d\x18\0\0\0\0", "zstd"),
        (b"BZh", "bzip2"),
        pytest.param(
            zipped("mimetype", "application/vnd.oasis.opendocument.text"), "opendocument", id="opendocument"
        ),
        pytest.param(tarred()[:257] + bytes(255), "binary", id="a header with another checksum"),
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
        (b'{\n  "a": 1}', "json"),
        (b"{}", "json"),
        (b"{1:F01BANKDEFFAXXX0000000000}{4:\r\n:20:1", "text"),
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


@pytest.mark.parametrize(
    ("data", "declared", "answer"),
    [
        (b"plain", "utf-8", True),
        (b"", "utf-8", True),
        ("Zażółć".encode("cp1250"), "utf-8", True),
        ("a,b\n".encode("utf-16-le"), "utf-16-le", True),
        ("a,b\n".encode("cp037"), "cp037", True),
        (gzip.compress(b"plain"), "latin-1", False),
        (b"a\0b", "utf-8", False),
    ],
)
def test_what_can_be_read_in_some_encoding_is_text(data: bytes, declared: str, *, answer: bool) -> None:
    assert is_text(io.BytesIO(data), declared=declared) is answer


def test_an_executable_is_refused_where_text_is_wanted() -> None:
    with pytest.raises(Refused, match="the content is an executable, not text"):
        check_kind(io.BytesIO(b"\x7fELF\2\1\1"), TEXTS, called="text")


def test_whoever_meets_a_container_is_told_who_takes_it_apart() -> None:
    with pytest.raises(Refused, match="the content is gzip, not text") as refused:
        check_kind(io.BytesIO(gzip.compress(b"a")), TEXTS, called="text")

    assert refused.value.rule == "type"
    assert "`unpack`" in refused.value.hint


def test_what_is_wanted_passes() -> None:
    check_kind(io.BytesIO(b"a,b\n"), TEXTS, called="text")
    check_kind(io.BytesIO(b"a,\0\n"), TEXTS, called="text")
    check_kind(io.BytesIO(tarred()), CONTAINERS, called="a container")
