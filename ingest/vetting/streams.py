"""Compressed streams: gzip, bzip2, xz and zstd, of one part or many, decoded in flat memory.

What follows the last part, zeros of padding apart, is refused: it would be lost
on whoever stops there. https://www.rfc-editor.org/rfc/rfc1952 and rfc8878
"""

from __future__ import annotations

import bz2
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

from ingest.errors import ExtraMissing
from ingest.vetting.caps import Caps
from ingest.vetting.refused import Refused

PIECE = 65_536  # bytes that are decoded at once
_CHUNK = 16_384  # bytes that are read at once: what follows a part is copied, however many parts there are
_MEMORY = 100_663_296  # bytes that an xz decoder may take; `xz -9` wants two thirds of it
_WINDOW = 27  # log2 of the bytes that a zstd decoder looks back on, as far as `zstd --long` goes

MAGIC = {
    "gzip": (b"\x1f\x8b",),
    "bzip2": (b"BZh",),
    "xz": (b"\xfd7zXZ\0",),
    "zstd": (b"\x28\xb5\x2f\xfd", *(bytes((n,)) + b"\x2a\x4d\x18" for n in range(0x50, 0x60))),
}
_LONGEST_MAGIC = 6
_PADDED = frozenset({"gzip", "xz"})


class Decoder(Protocol):
    """A decoder of one part, as `bz2` and `lzma` have them."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """The next bytes of the part, at most so many."""
        ...

    @property
    def eof(self) -> bool:
        """The part has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """There is nothing more without more data."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given beyond the end of the part."""
        ...


def decoded(file: BinaryIO, kind: str, caps: Caps) -> Iterator[bytes]:
    """The bytes of a compressed stream in pieces.

    Raises `Refused`: `truncated`, `damaged`, `trailing` and what `caps` do; `ExtraMissing` for zstd.
    """
    taken, made = 0, 0

    def more() -> bytes:
        nonlocal taken
        data = file.read(_CHUNK)
        taken += len(data)
        return data

    rest = more()
    while rest:
        part = Part(kind, rest, more, place=lambda: f"before byte {taken}")
        for piece in part:
            made += len(piece)
            caps.check_total(made)
            caps.check_ratio(made, of=taken)
            yield piece
        rest = _next_part(kind, part.rest, more, taken)


class Part:
    """One part of a stream, decoded piece by piece; `rest` is what was read beyond its end."""

    def __init__(
        self, kind: str, data: bytes, more: Callable[[], bytes], *, place: Callable[[], str] = str
    ) -> None:
        self._kind, self._data, self._more, self._place = kind, data, more, place
        self._decoder = decoder_of(kind)

    @property
    def rest(self) -> bytes:
        """What follows the part, as far as it was read."""
        return self._decoder.unused_data

    def __iter__(self) -> Iterator[bytes]:
        decoder, data = self._decoder, self._data
        while not decoder.eof:
            if decoder.needs_input and not data:
                data = self._more()
                if not data:
                    raise truncated(self._place())
            piece = self._decode(data)
            data = b""
            if piece:
                yield piece

    def _decode(self, data: bytes) -> bytes:
        try:
            return self._decoder.decompress(data, PIECE)
        except _errors() as error:
            raise Refused(
                f"the {self._kind} data are damaged, or need more memory than they may",
                rule="damaged",
                where=self._place(),
            ) from error


class Pieces(io.RawIOBase):
    """An iterator of pieces as a stream that is read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes stand in the buffer; how many, 0 at the end."""
        while not self._piece:
            found = next(self._pieces, None)
            if found is None:
                return 0
            self._piece = memoryview(found)
        target = memoryview(buffer)
        size = min(len(target), len(self._piece))
        target[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size


def readable(pieces: Iterator[bytes]) -> io.BufferedReader:
    """A stream of the pieces, which is read once."""
    return io.BufferedReader(Pieces(pieces), PIECE)


def truncated(where: str) -> Refused:
    """The refusal of a container that ends too early."""
    return Refused("truncated: it ends before its end is told", rule="truncated", where=where)


def decoder_of(kind: str) -> Decoder:
    """A fresh decoder; `deflate` is that of zip. Raises `ExtraMissing` where zstd is not installed."""
    match kind:
        case "gzip":
            return _Zlib(16 + zlib.MAX_WBITS)
        case "deflate":
            return _Zlib(-zlib.MAX_WBITS)
        case "bzip2":
            return bz2.BZ2Decompressor()
        case "xz":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
        case _:
            zstd = _zstd()
            found: Decoder = zstd.ZstdDecompressor(
                options={zstd.DecompressionParameter.window_log_max: _WINDOW}
            )
            return found


class _Zlib:
    """zlib's decoder with the names of the others."""

    def __init__(self, window: int) -> None:
        self._zlib = zlib.decompressobj(window)
        self._is_full = False  # the last piece was as long as it might be: more may be waiting

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        piece = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._is_full = len(piece) == max_length
        return piece

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail and not self._is_full

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


def _next_part(kind: str, rest: bytes, more: Callable[[], bytes], taken: int) -> bytes:
    """What the next part begins with; nothing at the end."""
    while len(rest) < _LONGEST_MAGIC and (data := more()):
        rest += data
    if rest.startswith(MAGIC[kind]):
        return rest
    where = f"byte {taken - len(rest)}"
    while rest or (rest := more()):
        if kind not in _PADDED or rest.strip(b"\0"):
            raise Refused("something follows its end", rule="trailing", where=where)
        rest = b""
    return b""


def _errors() -> tuple[type[Exception], ...]:
    """What decoders raise for data that are not theirs."""
    loaded = sys.modules.get(_ZSTD)
    of_zstd = () if loaded is None else (loaded.ZstdError,)
    return zlib.error, lzma.LZMAError, OSError, EOFError, *of_zstd


_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


def _zstd() -> Any:
    try:
        __import__(_ZSTD)
    except ImportError as error:
        raise ExtraMissing(
            "reading zstd needs the extra `formats`", hint="pip install 'ingest[formats]'"
        ) from error
    return sys.modules[_ZSTD]
