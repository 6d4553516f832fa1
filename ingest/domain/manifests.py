r"""Reading a manifest: a file in the format of `sha256sum`, which names files and their digests.

    <64 hex digits> <space> <space or *> <path relative to the manifest's folder>

A backslash before the digest says that backslashes and line breaks in the
path are written as `\\`, `\n` and `\r`; see the manual of GNU coreutils,
"sha2 utilities". Nothing here is trusted: a path that leads out of the folder,
and anything that is not such a line, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LARGEST = 8 << 20  # bytes
MOST_MEMBERS = 50_000
_LONGEST = 4096  # bytes of a path

_LINE = re.compile(rb"(\\?)([0-9a-fA-F]{64}) [ *](.+)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(.?)", re.DOTALL)
_MEANT = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}


def parse_manifest(data: bytes) -> Mapping[bytes, str]:
    """The digest of each path, both as the lines of the manifest say.

    Raises `ValueError`, with the number of the line, for a manifest that
    cannot be followed as a whole.
    """
    if len(data) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} bytes")
    found: dict[bytes, str] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        text = line.removesuffix(b"\r")
        if not text or text.startswith(b"#"):
            continue
        path, digest = _read(text, number)
        if found.setdefault(path, digest) != digest:
            raise ValueError(f"line {number} gives a second digest for a path")
        if len(found) > MOST_MEMBERS:
            raise ValueError(f"it names more than {MOST_MEMBERS} files")
    if not found:
        raise ValueError("it names no file")
    return found


def _read(line: bytes, number: int) -> tuple[bytes, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"line {number} is not a digest and a path")
    mark, digest, written = match.groups()
    path = _ESCAPE.sub(lambda escape: _meant(escape[1], number), written) if mark else written
    names = path.split(b"/")
    while names[:1] == [b"."]:
        del names[0]
    if len(path) > _LONGEST or b"\0" in path or not names or {b"", b".", b".."} & set(names):
        raise ValueError(f"line {number} names a path that is not within the manifest's folder")
    return b"/".join(names), digest.decode().lower()


def _meant(escaped: bytes, number: int) -> bytes:
    if escaped not in _MEANT:
        raise ValueError(f"line {number} has a backslash before something else")
    return _MEANT[escaped]
