"""Attacks are refused in little memory, and no bytes whatever raise anything but a refusal."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from ingest.vetting import Caps, Refused, members_of, what_it_is
from tests.vetting.archives import Zipped, overlapping, tar_of, zip_of

MEASURED = """
import sys
from ingest.vetting import Refused, members_of

def peak():  # unlike `ru_maxrss`, not that of the process that started this one
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

with open(sys.argv[1], "rb") as file:
    before = peak()
    rule = ""
    try:
        for member in members_of(file, name="x"):
            while member.file.read(65536):
                pass
    except Refused as refused:
        rule = refused.rule
    print(rule or "taken", peak() - before)
"""
MOST = 100_000  # kB


def zeros(compressor: Callable[[bytes], bytes], megabytes: int) -> bytes:
    """Many parts of zeros: of each, a MiB comes out."""
    return compressor(bytes(1 << 20)) * megabytes


def long_deflate(megabytes: int) -> bytes:
    """One part of gzip that only zeros come out of."""
    packer, piece = zlib.compressobj(9, zlib.DEFLATED, 31), bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


def thrice() -> bytes:
    """Zeros, compressed, compressed again, and once more, in a zip file."""
    return zip_of(Zipped(data=zip_of(Zipped(data=zip_of(Zipped(data=bytes(8 << 20)))))))


def many_entries() -> bytes:
    return zip_of(*(Zipped(name=b"%d" % n, data=b"") for n in range(65_535)))


def large_directory() -> bytes:
    extra = struct.pack("<2H", 7, 60_000) + bytes(60_000)
    return zip_of(*(Zipped(name=b"%d" % n, data=b"", extra=extra) for n in range(2_000)))


def many_fields() -> bytes:
    return zip_of(*(Zipped(name=b"%d" % n, data=b"", extra=bytes(60_000)) for n in range(2_000)))


def large_window() -> bytes:
    return zstd.compress(bytes(200 << 20), options={zstd.CompressionParameter.window_log: 27})


ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip, one part": (lambda: long_deflate(100), "ratio"),
    "gzip, many parts": (lambda: zeros(gzip.compress, 100), "ratio"),
    "bzip2": (lambda: zeros(bz2.compress, 100), "ratio"),
    "xz": (lambda: lzma.compress(bytes(100 << 20), preset=0), "ratio"),
    "xz, a window of a GiB": (
        lambda: lzma.compress(b"a", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]),
        "damaged",
    ),
    "zstd": (large_window, "ratio"),
    "zip": (lambda: zip_of(Zipped(data=bytes(100 << 20))), "ratio"),
    "zip in zip in zip": (thrice, "taken"),
    "zip of 65,535 entries": (many_entries, "entries"),
    "zip that overlaps": (overlapping, "zip_overlap"),
    "zip with a large directory": (large_directory, "taken"),
    "zip of many extra fields": (many_fields, "zip"),
    "zip that lies about sizes": (lambda: zip_of(Zipped(data=bytes(100 << 20), size=5)), "damaged"),
    "tar of 10,001 entries": (lambda: tar_of(*((f"{n}", b"") for n in range(10_001))), "entries"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_in_little_memory(attack: str, tmp_path: Path) -> None:
    make, wanted = ATTACKS[attack]
    path = tmp_path / "attack"
    path.write_bytes(make())

    ran = subprocess.run([sys.executable, "-c", MEASURED, str(path)], capture_output=True, check=True)

    rule, grown = ran.stdout.decode().split()
    assert rule == wanted
    assert int(grown) < MOST, "kB"


def test_a_large_member_is_read_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    line = b"".join(b"%d," % (n * n) for n in range(9_000))
    path.write_bytes(gzip.compress(tar_of(("a.csv", line * 400)), 1))

    ran = subprocess.run([sys.executable, "-c", MEASURED, str(path)], capture_output=True, check=True)

    assert ran.stdout.split()[0] == b"taken"
    assert int(ran.stdout.split()[1]) < 8_000, "kB for 28 MB"


HONEST = [
    zip_of(Zipped(data=b"a,b\n" * 50), Zipped(name=b"d/", data=b"", mode=0), Zipped(name=b"b", method=0)),
    tar_of(("a.csv", b"a,b\n" * 50), ("ü" * 120, b"x")),
    gzip.compress(b"a,b\n" * 50, mtime=0) * 2,
    gzip.compress(tar_of(("a", b"b")), mtime=0),
    bz2.compress(b"a,b\n" * 50),
    lzma.compress(b"a,b\n" * 50),
    zstd.compress(b"a,b\n" * 50),
]
SMALL = Caps(ratio=200, member_size=1_000_000, total_size=2_000_000, entries=50)


@given(
    st.sampled_from(HONEST),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(max_size=9)), min_size=1, max_size=4),
    st.integers(0, 1 << 20),
)
def test_whatever_the_bytes_are_they_are_taken_or_refused(
    honest: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(honest)
    for at, new in changes:
        data[at % len(data) : at % len(data) + len(new)] = new
    data = data[: len(data) - cut % 7]

    for name in ("x", "x.zip"):
        file = io.BytesIO(data)
        with suppress(Refused):
            for member in members_of(file, name=name, caps=SMALL):
                member.file.read()


@given(st.binary(max_size=600))
def test_any_bytes_are_of_some_kind(data: bytes) -> None:
    assert what_it_is(io.BytesIO(data))
