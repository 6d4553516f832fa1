"""What the value of a key may be: how it is read, how it is written back, and its JSON Schema.

A key is declared once, as a field of a dataclass in `settings`; its `Kind`,
its words and which of its values are built travel in the field's metadata.
From that one place come reading, checking, `config show` and `config schema`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from ingest.config.buckets import Bucket, read_bucket
from ingest.config.quantities import (
    parse_duration,
    parse_percentage,
    parse_size,
    write_duration,
    write_percentage,
    write_size,
)
from ingest.domain.globs import compile_globs
from ingest.domain.name_patterns import LONGEST_PATTERN, compile_name_pattern

_LARGEST_INTEGER = 2**63 - 1
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
_ENCODING = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_URI_REFERENCE = r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+"


class NotBuilt(ValueError):
    """A value that is documented, but not by this release; the text says what is there instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of value. `read` raises `ValueError` with the rest of a sentence about the value."""

    wants: str
    read: Callable[[object], Any]
    schema: Mapping[str, Any]
    write: Callable[[Any], Any] = lambda value: value
    from_text: Callable[[str], object] = lambda text: text  # from an environment variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is known of a key besides its name, its type and its default."""

    kind: Kind
    says: str
    built: tuple[Any, ...] | None = None  # the values that work in this release; None: all
    if_absent: str = ""  # what holds when the value is None


_METADATA = "ingest.config"


def key(
    kind: Kind, says: str, *, built: tuple[Any, ...] | None = None, if_absent: str = ""
) -> dict[str, Key]:
    """The metadata of a field that is a key of `ingest.toml`."""
    return {_METADATA: Key(kind=kind, says=says, built=built, if_absent=if_absent)}


def key_of(field: Field[Any]) -> Key | None:
    """The key that `field` declares, if it declares one."""
    return cast("Key | None", field.metadata.get(_METADATA))


def choice(*words: str) -> Kind:
    """One of a few words."""

    def read(value: object) -> str:
        if value not in words:
            raise ValueError("it means nothing here")
        return str(value)

    return Kind(wants=f"one of {', '.join(words)}", read=read, schema={"enum": list(words)})


def integer(lowest: int, highest: int = _LARGEST_INTEGER) -> Kind:
    """A whole number from `lowest` to `highest`."""
    is_bound = highest < _LARGEST_INTEGER

    def read(value: object) -> int:
        # True is an int to Python, not to anybody who writes a configuration.
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError("it must be a whole number")  # noqa: TRY004  one kind of refusal
        _must_lie(value, lowest, highest, str)
        return value

    schema = {"type": "integer", "minimum": lowest, "maximum": highest}
    wants = f"a whole number from {lowest}" + (f" to {highest}" if is_bound else " on")
    return Kind(wants=wants, read=read, schema=schema, from_text=_integer_from_text)


def text(pattern: str, wants: str, refusal: str = "") -> Kind:
    """Text that matches `pattern` as a whole."""
    matches = re.compile(pattern, re.DOTALL).fullmatch

    def read(value: object) -> str:
        if not isinstance(value, str) or not matches(value):
            raise ValueError(refusal or "it means nothing here")
        return value

    return Kind(wants=wants, read=read, schema={"type": "string", "pattern": f"^(?:{pattern})$"})


def duration(*, zero: bool = False) -> Kind:
    """A time span; only where `zero` is allowed may it be none."""

    def read(value: object) -> timedelta:
        parsed = value if isinstance(value, timedelta) else parse_duration(value)
        if not parsed and not zero:
            raise ValueError("it must be longer than nothing")
        return parsed

    schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"}
    return Kind(
        wants='a duration such as "500ms", "30s" or "5m"', read=read, write=write_duration, schema=schema
    )


def size(*, least: int = 0, most: int = _LARGEST_INTEGER) -> Kind:
    """A number of bytes."""

    def read(value: object) -> int:
        parsed = parse_size(value)
        _must_lie(parsed, least, most, write_size)
        return parsed

    schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?([kMGT]B|[KMGT]iB|B)$"}
    return Kind(wants='a size such as "64KiB" or "2GiB"', read=read, write=write_size, schema=schema)


def list_of(item: Kind, *, least: int = 0) -> Kind:
    """`least` or more of `item`."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError("it must be a list")  # noqa: TRY004  one kind of refusal
        if len(value) < least:
            raise ValueError("it names nothing")
        return tuple(item.read(each) for each in value)

    return Kind(
        wants=f"a list, each {item.wants}",
        read=read,
        write=lambda values: [item.write(each) for each in values],
        schema={"type": "array", "items": dict(item.schema), "minItems": least},
    )


def _must_lie(value: int, least: int, most: int, write: Callable[[int], str]) -> None:
    """Raise `ValueError` for what does not lie between the two; that 64 bits end somewhere is not told."""
    if value > _LARGEST_INTEGER:
        raise ValueError("it is larger than can be kept")
    if not least <= value <= most:
        is_bound = most < _LARGEST_INTEGER
        span = f"from {write(least)} to {write(most)}" if is_bound else f"at least {write(least)}"
        raise ValueError(f"it must be {span}")


def _integer_from_text(written: str) -> object:
    return int(written) if re.fullmatch(r"-?[0-9]{1,19}", written) else written


def _read_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it must be true or false")  # noqa: TRY004  one kind of refusal
    return value


def _read_glob(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be a glob, as text")  # noqa: TRY004  one kind of refusal
    compile_globs([value])
    return value


def _read_name_pattern(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be a regular expression, as text")  # noqa: TRY004  one kind of refusal
    compile_name_pattern(value)
    return value


def _read_path(value: object) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("it must be the path of a directory")
    if "://" in value:
        raise NotBuilt("the path of a directory")
    if value.startswith("~"):
        raise ValueError("~ is not expanded: write the whole path")
    return Path(value)


def _read_archive(value: object) -> Path | Bucket:
    return read_bucket(value) if isinstance(value, str) and "://" in value else _read_path(value)


def _read_encoding(value: object) -> str:
    if not isinstance(value, str) or not _ENCODING.fullmatch(value):
        raise ValueError("it must be the name of a text encoding")
    try:
        "x".encode(value)  # unlike a look-up, refuses codecs that are not of text
    except (LookupError, ValueError) as error:
        raise ValueError("no such text encoding is known") from error
    return value


def _read_options(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("it must be a table")  # noqa: TRY004  one kind of refusal
    try:
        return cast("dict[str, Any]", json.loads(json.dumps(value, allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise ValueError("it holds a value that JSON does not know: write dates as text") from error


AFTER = text(r"keep|delete|move:.+", "keep, move:DIR or delete")
ARCHIVE = Kind(
    wants="the path of a directory, or s3://bucket/prefix",
    read=_read_archive,
    write=str,
    schema={"type": "string", "minLength": 1},
)
BOOLEAN = Kind(
    wants="true or false",
    read=_read_boolean,
    schema={"type": "boolean"},
    from_text=lambda written: {"true": True, "false": False}.get(written, written),
)
DIRECTORY = Kind(
    wants="the path of a directory", read=_read_path, write=str, schema={"type": "string", "minLength": 1}
)
ENCODING = Kind(wants="a text encoding", read=_read_encoding, schema={"type": "string"})
GLOB = Kind(wants="a glob", read=_read_glob, schema={"type": "string", "minLength": 1})
MARKER = text(
    r"(?!\{name\}$)[^{}/\0]*\{name\}[^{}/\0]*", "the name of a file with {name} in it, as in {name}.done"
)
NAME = text(_NAME, "a name: a letter or digit, then letters, digits, '_', '.' or '-', 100 characters at most")
NAME_PATTERN = Kind(
    wants="a regular expression of names, such as '(?P<account>[A-Z]+)_[0-9]+[.]csv'",
    read=_read_name_pattern,
    schema={"type": "string", "maxLength": LONGEST_PATTERN},
)
OPTIONS = Kind(wants="a table", read=_read_options, schema={"type": "object"})
PARTITION = text(r"\{[A-Za-z_][A-Za-z0-9_]*\}", "{path}, {source} or a group of name_pattern")
PERCENTAGE = Kind(
    wants='a share such as "0%" or "2.5%"',
    read=parse_percentage,
    write=write_percentage,
    schema={"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"},
)
URI_REFERENCE = text(_URI_REFERENCE, "a URI reference")
WORDS = text(r".+", "text that is not empty")
