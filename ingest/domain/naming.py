"""Names that must come out the same for ever: event ids, partition keys, subjects.

Every id is the SHA-256 of its parts, each preceded by its length, so that no
two lists of parts can be confused; the first part names the kind of id.
"""

from __future__ import annotations

import hashlib
import re

from ingest.domain.versions import first_of

_PLAIN = re.compile(r"[\x20-\x24\x26-\x7e]*").fullmatch  # printable ASCII but '%'
_FORBIDDEN = re.compile("[%\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef]")  # CloudEvents 1.0, "String"
_NONCHARACTER = 0xFFFE  # the last two code points of each plane


def digest_of(kind: str, *parts: str | bytes) -> str:
    """Hex SHA-256 over `kind` and `parts`, unambiguous whatever the parts contain."""
    hasher = hashlib.sha256()
    for part in (kind, *parts):
        data = part.encode() if isinstance(part, str) else part
        hasher.update(b"%d:" % len(data))
        hasher.update(data)
    return hasher.hexdigest()


def landed_id(source: str, path: bytes, sha256: str, version: int) -> str:
    """The id of the `FileLanded` for this content version of this path."""
    return digest_of("landed", source, path, sha256, str(version))


def refused_id(source: str, path: bytes, tuple_text: str, reason: str) -> str:
    """The id of the `FileRefused` for this stat tuple of this path."""
    return digest_of("refused", source, path, tuple_text, reason)


def duplicate_id(source: str, path: bytes, tuple_text: str) -> str:
    """The id of the `DuplicateFileReceived` for this stat tuple of this path."""
    return digest_of("duplicate", source, path, tuple_text)


def gap_id(source: str, number: int) -> str:
    """The id of the `WatchGapDetected` for this gap of this source."""
    return digest_of("gap", source, str(number))


def reconciled_id(source: str, number: int) -> str:
    """The id of the `ReconcileCompleted` for this gap of this source."""
    return digest_of("reconciled", source, str(number))


def fact_id(processor: str, cause: str, type_: str, name: str) -> str:
    """The id of a fact that `processor` emits under `name` because of event `cause`.

    The same for every version of the type: what was told in one is not told again in the next.
    """
    return digest_of("fact", processor, cause, first_of(type_), name)


def encode_attribute(text: str | bytes) -> str:
    """`text` as a CloudEvents string: what the specification forbids, and `%`, percent-encoded.

    Different inputs give different outputs; bytes that are not UTF-8 are encoded byte by byte.
    """
    decoded = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
    if _PLAIN(decoded):
        return decoded
    escaped = _FORBIDDEN.sub(_percent, decoded)
    if any(ord(char) & _NONCHARACTER == _NONCHARACTER for char in escaped):
        return "".join(_percent_char(c) if ord(c) & _NONCHARACTER == _NONCHARACTER else c for c in escaped)
    return escaped


def _percent(match: re.Match[str]) -> str:
    return _percent_char(match.group())


def _percent_char(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))
