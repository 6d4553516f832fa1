"""Objects of JSON as rows: those of an array, of JSON Lines, or at a path within a document.

A column is a member of the object by its name, or by a path of names with
dots between them. What is no object is a row without cells.
https://www.rfc-editor.org/rfc/rfc8259 https://jsonlines.org
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, BinaryIO

from ingest.vetting import Refused, json_document, json_elements, json_lines, json_values
from processors.formats.tables import BATCH, Batch, Place, Sheet

_MAX_RAW = 1_000  # characters of a record that are written out again


def read_document(
    file: BinaryIO, *, encoding: str, names: Sequence[str], path: str = "", is_lenient: bool = False
) -> Sheet:
    """The objects of the array that a document is, or that stands at `path` in it; one object is one row.

    An array is read in flat memory, a document with a path as a whole. Lenient:
    of equal names the last stands. Raises `Refused`: `path` where none stands
    there, and what `json_document` refuses.
    """
    if path:
        found = _at(json_document(file, encoding=encoding, is_lenient=is_lenient), path)
        records: Iterator[tuple[int, Any]] = enumerate(found if isinstance(found, list) else [found], start=1)
    else:
        records = json_elements(file, encoding=encoding, is_lenient=is_lenient)
    return _sheet(records, names)


def read_lines(file: BinaryIO, *, encoding: str, names: Sequence[str], is_lenient: bool = False) -> Sheet:
    """The objects of JSON Lines; lenient: over any number of lines, or the elements of one array.

    Raises `Refused` as `json_lines` does.
    """
    read = json_values if is_lenient else json_lines
    return _sheet(read(file, encoding=encoding, is_lenient=is_lenient), names)


def _sheet(records: Iterator[tuple[int, Any]], names: Sequence[str]) -> Sheet:
    return Sheet(header=tuple(names), batches=_batches(records, names))


def _batches(records: Iterator[tuple[int, Any]], names: Sequence[str]) -> Iterator[Batch]:
    known = {name.partition(".")[0] for name in names} | set(names)
    while some := list(islice(records, BATCH)):
        yield Batch(
            rows=[_cells(record, names) for _, record in some],
            rest=[_rest(record, known) for _, record in some],
            places=partial(_places, some),
        )


def _cells(record: Any, names: Sequence[str]) -> Sequence[Any]:
    return [_member(record, name) for name in names] if isinstance(record, dict) else ()


def _member(record: Mapping[str, Any], name: str) -> Any:
    """The member of that name, else the one that a path leads to, else None."""
    if name in record:
        return record[name]
    first, dot, rest = name.partition(".")
    within = record.get(first)
    return _member(within, rest) if dot and isinstance(within, dict) else None


def _rest(record: Any, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(record, dict) or record.keys() <= known:
        return {}
    return {name: _plain(value) for name, value in record.items() if name not in known}


def _plain(value: Any) -> Any:
    """The value with its decimals as text: no float is as exact."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _places(records: Sequence[tuple[int, Any]]) -> Sequence[Place]:
    return [Place(line, json.dumps(record, default=str)[:_MAX_RAW]) for line, record in records]


def _at(document: Any, path: str) -> Any:
    found = document
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            raise Refused("nothing stands at the declared path", rule="path")
        found = found[name]
    if not isinstance(found, dict | list):
        raise Refused("neither an array nor an object stands at the declared path", rule="path")
    return found
