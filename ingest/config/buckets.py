"""A bucket of an object store, as `store.archive` names one: never with credentials in its address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_SCHEME = "s3://"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(?:/[A-Za-z0-9!_.*'()-]+)*")


class Bucket(NamedTuple):
    """A bucket, and the prefix within it below which everything lies."""

    name: str
    prefix: str  # without slashes at its ends; may be empty

    def __str__(self) -> str:
        return f"{_SCHEME}{self.name}/{self.prefix}".rstrip("/")


def read_bucket(text: str) -> Bucket:
    """The bucket at this address; raises `ValueError` with the rest of a sentence about the address."""
    if "@" in text or "?" in text or "#" in text:
        raise ValueError("credentials and parameters belong in the environment, not in an address")
    name, _, prefix = text.removeprefix(_SCHEME).partition("/")
    prefix = prefix.rstrip("/")
    if not text.startswith(_SCHEME):
        raise ValueError("only directories and s3:// are known")
    if not _NAME.fullmatch(name):
        raise ValueError("it names no bucket")
    if prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise ValueError("its prefix has characters or parts that object stores take in different ways")
    return Bucket(name, prefix)


def location(text: str) -> Path | Bucket:
    """The directory or the bucket that was written as `text`."""
    return read_bucket(text) if "://" in text else Path(text)
