"""Writes the cells of one sheet to standard output, in a process that may be ended for it.

The library that reads workbooks makes a whole sheet at once, as large as its
farthest cells say, and ends its process where there is no memory for that. So
this program is started for each workbook (`tables_excel` does), takes the
workbook from standard input, and imports nothing of the product. It answers in
JSON, a line at a time: what it found, then each row.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import resource
import sys
from typing import Any

MEMORY = 768 * 1024**2  # bytes of address space
SECONDS = 60  # of processor time


def main(wanted: str) -> None:
    """The rows of the sheet of that name, or of that number from 1, are written."""
    _limit()
    with os.fdopen(1, "w", encoding="ascii", newline="\n") as out:
        try:
            _write(wanted, out)
        except Exception as error:  # noqa: BLE001  # whatever the library makes of a partner's bytes
            _say(out, {"error": type(error).__name__})


def _limit() -> None:
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


def _write(wanted: str, out: io.TextIOWrapper) -> None:
    from python_calamine import CalamineWorkbook  # noqa: PLC0415  # its absence is an answer, too

    with os.fdopen(0, "rb") as given:
        book = CalamineWorkbook.from_filelike(io.BytesIO(given.read()))
    names = book.sheet_names
    name = names[int(wanted) - 1] if wanted.isdigit() and 0 < int(wanted) <= len(names) else wanted
    if name not in names:
        _say(out, {"error": "sheet", "sheets": len(names)})
        return
    sheet = book.get_sheet_by_name(name)
    end, before = sheet.end, [""] * (sheet.start or (0, 0))[1]  # its first columns may be left out
    _say(out, {"rows": 0 if end is None else end[0] + 1})
    for row in sheet.iter_rows():
        cells = [_cell(value) for value in row]
        _say(out, before + cells if any(cells) else [])


def _cell(value: Any) -> str:
    """A mark for the type, then the value; empty for an empty cell."""
    kind = type(value)
    if kind is str:
        return "s" + value if value else ""
    if kind is float:
        return "n" + format(value, ".15g")  # a cell holds no more digits than these
    if kind is bool:
        return f"b{value:d}"
    if kind is int:
        return f"n{value}"
    if kind is dt.timedelta:
        return f"s{value}"
    mark = {dt.datetime: "t", dt.date: "d"}.get(kind, "s")
    return mark + str(value.isoformat())


def _say(out: io.TextIOWrapper, what: object) -> None:
    out.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
