"""The members of a container are files of their own; one that breaks a rule is refused as a whole."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest
from backports import zstd

from ingest.vetting import Caps, Refused, container_of, members_of, open_member
from tests.vetting.archives import Zipped, overlapping, tar_entry, tar_of, zip_of

CSV = b"a,b\n1,2\n"
SMALL = Caps(ratio=200, member_size=3_000_000, total_size=5_000_000, entries=10)


def taken(data: bytes, name: str = "x.bin", caps: Caps | None = None) -> list[tuple[str, bytes]]:
    found = members_of(io.BytesIO(data), name=name, caps=caps)
    return [(member.name, member.file.read()) for member in found]


def refusal(data: bytes, name: str = "x.bin", caps: Caps | None = None) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        taken(data, name, caps)
    return refused.value.rule, refused.value.where


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


@pytest.mark.parametrize("end", COMPRESSORS)
def test_a_compressed_stream_is_one_member_called_as_the_container_without_its_end(end: str) -> None:
    data = COMPRESSORS[end](CSV)

    assert taken(data, f"in/pay.csv.{end.upper()}") == [("pay.csv", CSV)]
    assert taken(data, "pay.csv") == [("pay.csv", CSV)]


@pytest.mark.parametrize("end", COMPRESSORS)
def test_a_stream_of_many_parts_is_read_to_its_end(end: str) -> None:
    parts = [b"%d\n" % n * 3000 for n in range(40)]
    data = b"".join(map(COMPRESSORS[end], [*parts, b""]))

    assert taken(data, f"x.{end}") == [("x", b"".join(parts))]


@pytest.mark.parametrize("end", COMPRESSORS)
def test_a_stream_that_was_cut_anywhere_is_truncated(end: str) -> None:
    data = COMPRESSORS[end](bytes(range(256)) * 9)

    for length in range(8, len(data)):
        assert refusal(data[:length], f"x.{end}")[0] == "truncated", length


@pytest.mark.parametrize("end", COMPRESSORS)
def test_what_follows_the_end_of_a_stream_is_not_lost_in_silence(end: str) -> None:
    assert refusal(COMPRESSORS[end](CSV) + b"1,2\n", f"x.{end}")[0] == "trailing"


@pytest.mark.parametrize("end", ["gz", "xz"])
def test_zeros_of_padding_may_follow(end: str) -> None:
    assert taken(COMPRESSORS[end](CSV) + bytes(40_000), f"x.{end}") == [("x", CSV)]


@pytest.mark.parametrize("end", COMPRESSORS)
def test_a_bit_that_turned_is_found(end: str) -> None:
    data = bytearray(COMPRESSORS[end](bytes(range(256))))
    data[len(data) // 2] ^= 4
    if end == "zst":  # has no checksum unless it is asked for
        data = bytearray(zstd.compress(CSV, options={zstd.CompressionParameter.checksum_flag: 1}))
        data[-1] ^= 4

    assert refusal(bytes(data), f"x.{end}")[0] == "damaged"


@pytest.mark.parametrize("end", COMPRESSORS)
def test_a_bomb_goes_off_nowhere(end: str) -> None:
    bomb = COMPRESSORS[end](bytes(20_000_000))

    assert refusal(bomb, f"x.{end}")[0] == "ratio"
    assert refusal(bomb, f"x.{end}", Caps(ratio=None, member_size=9_999_999))[0] == "member_size"
    assert refusal(bomb, f"x.{end}", Caps(ratio=None, total_size=9_999_999))[0] == "total_size"


def test_what_is_small_may_be_as_well_compressed_as_it_likes() -> None:
    assert taken(gzip.compress(bytes(1_000_000)), "x.gz") == [("x", bytes(1_000_000))]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_files_of_a_tar_come_in_their_order(form: int) -> None:
    long = "folder/" * 12 + "b" * 90
    given = [("./a.csv", CSV), (long, bytes(70_000)), ("empty", b"")]

    assert taken(tar_of(*given, form=form)) == [("a.csv", CSV), *given[1:]]


def test_names_of_a_tar_may_be_long_and_in_any_script() -> None:
    given = [("Zahlungen/März " + "ü" * 80 + ".csv", CSV)]

    assert taken(tar_of(*given)) == given
    assert taken(tar_of(*given, form=tarfile.GNU_FORMAT)) == given


@pytest.mark.parametrize("end", COMPRESSORS)
def test_a_tar_in_a_stream_is_one_container(end: str) -> None:
    data = COMPRESSORS[end](tar_of(("a", CSV), ("b", b"")))

    assert taken(data, f"x.tar.{end}") == [("a", CSV), ("b", b"")]


def test_a_member_that_nobody_reads_is_passed_over() -> None:
    found = members_of(io.BytesIO(tar_of(("a", bytes(100_000)), ("b", CSV))), name="x.tar")

    assert [member.name for member in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        (tar_entry("a", tarfile.SYMTYPE, "/etc/passwd"), ("entry_type", "entry 1")),
        (tar_entry("a", tarfile.LNKTYPE, "b"), ("entry_type", "entry 1")),
        (tar_entry("a", tarfile.CHRTYPE), ("entry_type", "entry 1")),
        (tar_entry("a", tarfile.BLKTYPE), ("entry_type", "entry 1")),
        (tar_entry("a", tarfile.FIFOTYPE), ("entry_type", "entry 1")),
        (tar_entry("a", tarfile.GNUTYPE_SPARSE), ("entry_type", "entry 1")),
        (tar_entry("a", b"Q"), ("entry_type", "entry 1")),
        (tar_entry("../a", tarfile.DIRTYPE), ("name", "entry 1")),
        (tar_entry("a", tarfile.REGTYPE, size=1 << 40), ("member_size", "entry 1")),
        (tar_entry("a", tarfile.REGTYPE, size=5000), ("truncated", "entry 1")),
        (tar_of(("a", CSV))[:-9000], ("truncated", "entry 2")),
        (tar_of(("a", CSV))[:700], ("truncated", "entry 1")),
        (tar_of(("a", CSV)) + b"more", ("trailing", "")),
        (tar_of(("a", CSV))[:1024] + b"x" * 1024, ("tar", "entry 2")),
        (tar_of(("a", CSV), ("A", CSV)), ("name_twice", "entry 2")),
        (tar_of(("a", CSV), ("a/b", CSV)), ("name_twice", "entry 2")),
        (tar_of(("a/b", CSV), ("A", CSV)), ("name_twice", "entry 2")),
        (tar_of(("é", CSV), ("e\u0301", CSV)), ("name_twice", "entry 4")),
        (tar_of(*((f"{n}", b"") for n in range(11))), ("entries", "")),
    ],
)
def test_a_tar_that_breaks_a_rule_is_refused_with_the_entry(entry: bytes, wanted: tuple[str, str]) -> None:
    assert refusal(entry, caps=SMALL) == wanted


def test_what_a_tar_tells_of_the_next_entry_is_bounded() -> None:
    told = tarfile.TarInfo("a" * 70_000)

    assert refusal(told.tobuf(tarfile.GNU_FORMAT))[0] == "tar"
    assert refusal(tar_entry("x", b"x", size=1 << 40) + bytes(5000))[0] == "tar"


NAMES = [
    "../a",
    "a/../../b",
    "a/..",
    "/etc/passwd",
    "//a",
    "C:/a",
    "c:a",
    "a\\b",
    "..\\a",
    "a\tb",
    "a\nb",
    "a\x1b[31m",
    "a\u202ecsv.exe",
    "a//b",
    "a/./b",
    "~/a",
    "~root",
    "",
    "a" * 256,
    "a/" * 600 + "b",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_means_something_else_elsewhere_is_refused(name: str) -> None:
    assert refusal(zip_of(Zipped(name=b"ok"), Zipped(name=name.encode(), flags=1 << 11))) == (
        "name",
        "entry 2",
    )


def test_a_nul_in_a_name_is_refused() -> None:
    assert refusal(zip_of(Zipped(name=b"a\0.csv")))[0] == "name"


def test_a_zip_that_the_standard_library_wrote_is_taken() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.mkdir("d")
        file.writestr("d/ä.csv", CSV, zipfile.ZIP_DEFLATED)
        file.writestr("stored", bytes(200_000), zipfile.ZIP_STORED)
        file.writestr("bz2", CSV, zipfile.ZIP_BZIP2)
        with file.open("large", "w", force_zip64=True) as large:
            large.write(CSV)
        file.comment = b"a comment"

    assert [("d/ä.csv", CSV), ("stored", bytes(200_000)), ("bz2", CSV), ("large", CSV)] == taken(
        target.getvalue()
    )


def test_a_zip_that_was_written_to_a_pipe_is_taken() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    target = Pipe()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", CSV)
        file.writestr("b", b"")

    assert taken(target.getvalue()) == [("a", CSV), ("b", b"")]


def test_a_zip_may_follow_another_program_where_it_is_called_one() -> None:
    data = zip_of(Zipped(), before=b"#!/bin/sh\n")

    assert taken(data, "x.zip") == [("a.csv", b"a,b\n")]
    assert refusal(data, "x.run")[0] == "container"


def test_a_name_in_the_code_page_of_its_time_and_one_in_utf_8_are_told_apart() -> None:
    old = Zipped(name="ä".encode("cp437"), system=0)
    unix = Zipped(name="ö".encode())
    told = Zipped(
        name=b"plain", extra=struct.pack("<2HBL", 0x7075, 7, 1, zlib.crc32(b"plain")) + "ü".encode()
    )

    assert [name for name, _ in taken(zip_of(old, unix, told))] == ["ä", "ö", "ü"]


def test_what_follows_the_data_of_an_entry_is_compared() -> None:
    good = struct.pack("<3L", zlib.crc32(CSV), len(CSV), len(CSV))
    entry = Zipped(data=CSV, method=0, flags=8, descriptor=good)

    assert taken(zip_of(entry)) == [("a.csv", CSV)]
    entry.descriptor = b"PK\7\x08" + good
    assert taken(zip_of(entry)) == [("a.csv", CSV)]
    entry.descriptor = bytes(12)
    assert refusal(zip_of(entry)) == ("zip_local", "entry 1")


WHOLE = zip_of(Zipped(), Zipped(name=b"b", data=CSV))


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (zip_of(Zipped(mode=0o120777)), ("entry_type", "entry 1")),
        (zip_of(Zipped(mode=0o120777, system=0)), ("entry_type", "entry 1")),
        (zip_of(Zipped(mode=0o010644)), ("entry_type", "entry 1")),
        (zip_of(Zipped(mode=0o020644)), ("entry_type", "entry 1")),
        (zip_of(Zipped(name=b"d/", data=CSV)), ("entry_type", "entry 1")),
        (zip_of(Zipped(), Zipped()), ("name_twice", "entry 2")),
        (zip_of(Zipped(), Zipped(name=b"A.CSV")), ("name_twice", "entry 2")),
        (zip_of(Zipped(local_name=b"b.csv")), ("zip_local", "entry 1")),
        (zip_of(Zipped(local_size=9)), ("zip_local", "entry 1")),
        (zip_of(Zipped(flags=1)), ("encrypted", "entry 1")),
        (zip_of(Zipped(flags=1 | 1 << 6)), ("encrypted", "entry 1")),
        (zip_of(Zipped(method=9)), ("zip_method", "entry 1")),
        (zip_of(Zipped(crc=7)), ("damaged", "entry 1")),
        (zip_of(Zipped(size=3)), ("damaged", "entry 1")),
        (zip_of(Zipped(size=5)), ("damaged", "entry 1")),
        (zip_of(Zipped(packed=b"\xff" * 9)), ("damaged", "entry 1")),
        (zip_of(Zipped(packed=zlib.compress(b"a,b\n", 9, -15) + b"more")), ("damaged", "entry 1")),
        (zip_of(Zipped(packed=zlib.compress(b"a,b\n", 9, -15)[:-3])), ("truncated", "entry 1")),
        (zip_of(Zipped(flags=1 << 11, name=b"\xff")), ("name", "entry 1")),
        (zip_of(Zipped(size=0xFFFFFFFF)), ("zip", "entry 1")),
        (zip_of(Zipped(extra=b"\1\0\x99\0x")), ("zip", "entry 1")),
        (zip_of(Zipped(offset=1)), ("zip", "entry 1")),
        (zip_of(Zipped(), count=2), ("zip", "entry 2")),
        (zip_of(Zipped(), Zipped(name=b"b"), count=1), ("zip", "")),
        (zip_of(*(Zipped(name=b"%d" % n) for n in range(11))), ("entries", "")),
        (zip_of(Zipped(data=bytes(2_000_000))), ("ratio", "entry 1")),
        (zip_of(Zipped(data=b"x", size=1 << 31)), ("member_size", "entry 1")),
        (overlapping(), ("zip_overlap", "entry 2")),
        (zip_of(Zipped(), comment=zip_of(Zipped(name=b"other"))), ("zip", "")),
        (WHOLE + b"x", ("truncated", "the end")),
        (WHOLE[:-9], ("truncated", "the end")),
        (WHOLE[:50], ("truncated", "the end")),
    ],
)
def test_a_zip_that_breaks_a_rule_is_refused_with_the_entry(data: bytes, wanted: tuple[str, str]) -> None:
    assert refusal(data, caps=SMALL) == wanted


def test_every_way_to_cut_a_zip_is_refused() -> None:
    for length in range(4, len(WHOLE)):
        assert refusal(WHOLE[:length], "x.zip")[0] in {"truncated", "zip"}, length


def test_what_is_not_wanted_is_not_read() -> None:
    data = zip_of(Zipped(name=b"readme", flags=1), Zipped(name=b"a.csv", data=CSV))

    found = list(members_of(io.BytesIO(data), name="x", is_wanted="a.csv".__eq__))

    assert [(member.number, member.name) for member in found] == [(2, "a.csv")]


def test_an_office_document_is_no_container() -> None:
    data = zip_of(Zipped(name=b"[Content_Types].xml"), Zipped(name=b"xl/workbook.xml"))

    assert container_of(io.BytesIO(data), name="a.xlsx") is None
    assert container_of(io.BytesIO(data), name="a.ZIP") == "zip"
    assert container_of(io.BytesIO(CSV), name="a.csv") is None


def test_a_member_is_taken_out_again_however_deep_it_lies() -> None:
    inner = zip_of(Zipped(name=b"a.csv", data=CSV))
    outer = gzip.compress(tar_of(("d/inner.zip", inner)))
    path, sha256 = ["d/inner.zip", "a.csv"], hashlib.sha256(CSV).hexdigest()

    with open_member(io.BytesIO(outer), path, name="x", size=len(CSV), sha256=sha256) as file:
        assert file.read() == CSV
    with pytest.raises(Refused, match="the member is not what was told of it"):
        open_member(io.BytesIO(outer), path, name="x", size=len(CSV), sha256="0" * 64)


@pytest.mark.parametrize("container", [WHOLE, tar_of(("a", CSV)), gzip.compress(CSV)])
def test_a_member_that_is_not_there_is_refused(container: bytes) -> None:
    with pytest.raises(Refused, match="no such member"):
        open_member(io.BytesIO(container), ["c"], name="x", size=1, sha256="")


def test_every_name_that_is_told_leads_to_its_member_again() -> None:
    old = Zipped(name="ä".encode("cp437"), system=0, data=b"1")
    unix = Zipped(name="./ö".encode(), data=b"2")
    extra = struct.pack("<2HBL", 0x7075, 7, 1, zlib.crc32(b"plain")) + "ü".encode()
    containers = [
        zip_of(old, unix, Zipped(name=b"plain", extra=extra, data=b"3"), Zipped(name=b"./a", data=b"4")),
        tar_of(("./a", b"1"), ("ö" * 70, b"2"), ("b" * 120, b"3"), ("c", b"")),
        tar_of(("./a", b"1"), ("ö" * 70, b"2"), ("b" * 120, b"3"), ("c", b""), form=tarfile.GNU_FORMAT),
    ]
    containers += [gzip.compress(container) for container in containers[1:]]

    for container in containers:
        for name, data in taken(container):
            sha256 = hashlib.sha256(data).hexdigest()
            with open_member(io.BytesIO(container), [name], name="x", size=len(data), sha256=sha256) as file:
                assert file.read() == data


def test_one_name_for_all_entries_of_a_tar_is_refused() -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", pax_headers={"path": "a"}) as tar:
        tar.addfile(tarfile.TarInfo("b"))

    assert refusal(target.getvalue()) == ("tar", "entry 1")
