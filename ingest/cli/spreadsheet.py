"""CSV that is safe to open: no cell of ours is taken for a formula unless that was asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

from ingest.cli import output
from ingest.store.reading.refused import Refused

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(rows: Iterable[Refused], *, to: Path | None, is_raw: bool) -> None:
    """The rows, below a header, are on stdout or in the new file `to`; raises `CannotWrite`."""
    if to is None:
        for line in _lines(rows, is_raw=is_raw):
            output.write(line)
        return
    with output.new_file(to) as file:
        for line in _lines(rows, is_raw=is_raw):
            file.write(line.encode())


def harmless(cell: str) -> str:
    """`cell`, with an apostrophe before what a spreadsheet would run."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _lines(rows: Iterable[Refused], *, is_raw: bool) -> Iterable[str]:
    yield _line([field.name for field in fields(Refused)])
    for row in rows:
        cells = ["" if cell is None else str(cell) for cell in astuple(row)]
        yield _line(cells if is_raw else [harmless(cell) for cell in cells])


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
