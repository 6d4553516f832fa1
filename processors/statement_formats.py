"""The formats in which banks send statements, and how a content tells which one it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ingest.vetting import Refused
from processors.formats import bai2, camt, mt940, ofx
from processors.formats.statement import StatementPart
from processors.verdicts import ON_MISMATCH, declares

AUTO = "auto"
_HEAD = 65_536  # bytes by which a format is known


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFormat:
    """How statements of one format are known, and read."""

    is_it: Callable[[bytes], bool]  # of the first bytes of a content, without NUL
    read: Callable[[BinaryIO, str], Iterator[StatementPart]]  # with the declared encoding
    on_mismatch: str = ON_MISMATCH[0]  # what totals that do not add up mean, where the source does not say


FORMATS = {
    "camt": StatementFormat(is_it=camt.is_camt, read=lambda file, _: camt.read(file)),
    "mt940": StatementFormat(
        is_it=mt940.is_mt940, read=lambda file, encoding: mt940.read(file, encoding=encoding)
    ),
    # Banks do not agree about what its totals count.
    "bai2": StatementFormat(
        is_it=bai2.is_bai2,
        read=lambda file, encoding: bai2.read(file, encoding=encoding),
        on_mismatch="warn",
    ),
    "ofx": StatementFormat(is_it=ofx.is_ofx, read=lambda file, encoding: ofx.read(file, encoding=encoding)),
}


def recognise(file: BinaryIO, options: Mapping[str, Any], _: str) -> str | None:
    """The name of the one format that the beginning of `file` is of; else "", or None if one is declared."""
    return _format_of(file) or (None if declares(options, "format", AUTO) else "")


def _format_of(file: BinaryIO) -> str:
    head = file.read(_HEAD).replace(b"\0", b"")  # of UTF-16
    found = [name for name, known in FORMATS.items() if known.is_it(head)]
    return found[0] if len(found) == 1 else ""


def recognised(file: BinaryIO, declared: str = AUTO) -> str:
    """The name of the format: the declared one, else the one that the content has, never its name.

    Raises `Refused` (`format`) where the content could be of none, or of several.
    """
    found = _format_of(file) if declared == AUTO else declared
    file.seek(0)
    if not found:
        raise Refused(
            "the content does not tell in which format its statements are",
            rule="format",
            hint="declare `format`, if it holds statements at all",
        )
    return found
