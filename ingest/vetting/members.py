"""Members of containers, each a logical file of its own: of gzip, bzip2, xz, zstd, zip and tar.

Nothing is ever written under a member's name; what an engine has to look about
in lies in a file without one. All entries of a container keep its rules, or it
is refused as a whole.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO, BinaryIO, cast

from ingest.domain.globs import compile_globs
from ingest.domain.media import media_type
from ingest.vetting.caps import UNBOUNDED, Caps
from ingest.vetting.membernames import Names, VettedBefore
from ingest.vetting.refused import Refused
from ingest.vetting.sniff import CONTAINERS, what_it_is
from ingest.vetting.streams import PIECE, decoded, readable
from ingest.vetting.tar import BLOCK, is_tar, tar_files
from ingest.vetting.zipfiles import zip_file, zip_files

IN_MEMORY = 4_194_304  # bytes of a member that are kept in memory
_ENDS = frozenset({"gz", "bz2", "xz", "zst"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in a container: the number of its entry, from 1 on, and its bytes, which are read once."""

    number: int
    name: str  # as the container has it, vetted; of a compressed stream that of the container without its end
    file: BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is asked of a container, and what its names are held to."""

    caps: Caps
    is_wanted: Callable[[str], bool]
    names: Names


def members_of(
    file: BinaryIO,
    *,
    name: str,
    caps: Caps | None = None,
    is_wanted: Callable[[str], bool] = lambda _name: True,
) -> Iterator[Member]:
    """The members that are wanted of a container; read each before asking for the next.

    `file` is seekable, `name` what it is called. Names of all entries are vetted, wanted or not.
    Raises `Refused`: `container` for what is none, what its format and its bounds do; `ExtraMissing`
    for zstd.
    """
    caps = caps or Caps()
    kind = container_of(file, name=name)
    if kind == "zip":
        for entry, content in zip_files(file, caps, is_wanted):
            yield Member(number=entry.number, name=entry.name, file=content)
    else:
        wish = _Wish(caps=caps, is_wanted=is_wanted, names=Names())
        yield from _one_after_another(file, kind, name, wish)


def container_of(file: BinaryIO, *, name: str) -> str | None:
    """The kind of container that a content is, None where it is none.

    An office document is none, though it is a zip file, unless it is called `.zip`; a file that
    begins with something else and is called so is one.
    """
    kind = what_it_is(file)
    if kind in CONTAINERS:
        return kind
    return "zip" if name.lower().endswith(".zip") else None


def open_member(file: BinaryIO, names: Sequence[str], *, name: str, size: int, sha256: str) -> BinaryIO:
    """The member that `names` lead to, one container in the other, seekable; `file` is closed.

    Its bounds were judged when it was told of. Raises `Refused` (`member`) where it is not
    what it was, and what `members_of` does.
    """
    for wanted in names:
        with file:
            file = _taken_out(file, name, wanted)
        name = wanted
    hasher = hashlib.sha256()
    for piece in pieces_of(file):
        hasher.update(piece)
    if hasher.hexdigest() != sha256 or file.tell() != size:
        file.close()
        raise Refused("the member is not what was told of it", rule="member")
    file.seek(0)
    return file


def matching(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a member's name matches one of these globs, as a source's `include` does."""
    matches = compile_globs(patterns)
    return lambda name: matches(name.encode())


def media_type_of(name: str) -> str:
    """What the end of a name promises; nothing is read from the content."""
    return media_type(name.encode())


def spooled(pieces: Iterator[bytes]) -> BinaryIO:
    """The pieces as a seekable file: small ones in memory, large ones on the disk, without a name."""
    target: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # the caller closes it
    try:
        for piece in pieces:
            target.write(piece)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return cast("BinaryIO", target)


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file, piece by piece."""
    return iter(lambda: file.read(PIECE), b"")


def _taken_out(file: BinaryIO, name: str, wanted: str) -> BinaryIO:
    """One member of a container that passed before; nothing but that member is looked at."""
    kind = container_of(file, name=name)
    if kind == "zip":
        content = zip_file(file, wanted)
    else:
        again = _Wish(caps=UNBOUNDED, is_wanted=wanted.__eq__, names=VettedBefore())
        content = next((member.file for member in _one_after_another(file, kind, name, again)), None)
    if content is None:
        raise Refused("the container has no such member", rule="member")
    return spooled(pieces_of(content))


def _one_after_another(file: BinaryIO, kind: str | None, name: str, wish: _Wish) -> Iterator[Member]:
    if kind == "tar":
        yield from _in_tar(file, wish)
    elif kind is not None:
        yield from _in_stream(file, kind, name, wish)
    else:
        raise Refused("neither zip nor tar nor a compressed stream", rule="container")


def _in_tar(file: BinaryIO, wish: _Wish) -> Iterator[Member]:
    for entry, content in tar_files(file, wish.caps, wish.is_wanted, wish.names):
        yield Member(number=entry.number, name=entry.name, file=content)


def _in_stream(file: BinaryIO, kind: str, name: str, wish: _Wish) -> Iterator[Member]:
    caps = wish.caps
    pieces = decoded(file, kind, caps)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= BLOCK:
            break
    whole = chain((head,), pieces)
    if is_tar(head):
        yield from _in_tar(readable(whole), wish)
    elif wish.is_wanted(member := _without_end(name)):
        yield Member(number=1, name=member, file=readable(_bounded(whole, caps)))


def _bounded(pieces: Iterator[bytes], caps: Caps) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        caps.check_member(size, where="")
        yield piece


def _without_end(name: str) -> str:
    """`payments.csv` of `payments.csv.gz`; the name itself where its end says nothing."""
    last = name.rpartition("/")[2]
    stem, _, end = last.rpartition(".")
    return stem if stem and end.lower() in _ENDS else last
