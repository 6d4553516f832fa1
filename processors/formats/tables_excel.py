"""Sheets of workbooks (.xlsx, .xlsb, .xls, .ods), every number as exactly as Excel shows it.

A workbook of the newer kinds is a zip: what it inflates to is counted, by
inflating it, before anything reads it. Reading is left to a process of its own
(`excel_cells`), with bounds of its own. What a cell shows is not read, only
what it holds: a number, a text, a date, true or false.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from itertools import count, islice
from pathlib import Path
from typing import IO, Any, BinaryIO

from ingest import PermanentError
from ingest.vetting import Refused
from processors.formats import excel_cells
from processors.formats.tables import BATCH, Batch, Place, Sheet, without_last
from processors.formats.workbook_passwords import has_password

MAX_WORKBOOK = 33_554_432  # bytes
MAX_INFLATED = 134_217_728  # bytes of all that is in one
MAX_ENTRIES = 10_000
_MAX_LINE = 8_388_608  # characters of one row, as it is handed over
_CHUNK = 65_536
_STORED, _DEFLATED = 0, 8


def read(
    file: BinaryIO, *, sheet: str = "1", header: int = 1, names: Sequence[str] = (), trailing: int = 0
) -> Sheet:
    """The rows of a sheet below its header, which stands in row `header`; or from there on under `names`.

    Cells are text, Decimal, bool, date, naive datetime, or None where empty;
    rows of empty cells are rows. Raises `Refused`, also while rows are read:
    `workbook` for what is none, `encrypted`, `sheet`, `size`, `entries`.
    """
    vet(file)
    rows = _rows(file, sheet)
    for _ in islice(rows, header - 1):
        pass
    first = header
    if not names:
        names = [_text(cell) for cell in next(rows, [])]
        while names and not names[-1]:
            names.pop()
        first += 1
    batches = _batches(rows, first)
    return Sheet(header=tuple(names), batches=without_last(batches, trailing) if trailing else batches)


def squared(sheet: Sheet) -> Sheet:
    """The same without empty rows, every other one as wide as the header."""
    return replace(sheet, batches=map(partial(_squared, len(sheet.header)), sheet.batches))


def _squared(width: int, batch: Batch) -> Batch:
    kept = [at for at, row in enumerate(batch.rows) if any(cell is not None for cell in row)]

    def row_of(at: int) -> Sequence[Any]:
        row = list(batch.rows[at])
        while len(row) > width and row[-1] is None:
            row.pop()
        return row + [None] * (width - len(row))

    def places() -> Sequence[Place]:
        found = batch.places()
        return [found[at] for at in kept]

    return Batch(rows=[row_of(at) for at in kept], places=places)


def vet(file: BinaryIO) -> None:
    """Raise `Refused` for a file that is too large for a workbook, or would be when inflated."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > MAX_WORKBOOK:
        raise Refused(f"a workbook of {size:,} bytes; at most {MAX_WORKBOOK:,} are read", rule="size")
    if file.read(4) != b"PK\x03\x04":
        file.seek(0)
        return
    try:
        _vet_zip(file)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError):
        raise _no_workbook() from None
    finally:
        file.seek(0)


def _vet_zip(file: BinaryIO) -> None:
    entries = zipfile.ZipFile(file).infolist()
    if len(entries) > MAX_ENTRIES:
        raise Refused(
            f"a workbook of {len(entries):,} parts; at most {MAX_ENTRIES:,} are read", rule="entries"
        )
    left = MAX_INFLATED
    for entry in entries:
        left -= _inflated(file, entry, left)


def _inflated(file: BinaryIO, entry: zipfile.ZipInfo, left: int) -> int:
    """The bytes that an entry truly comes to, whatever it says itself; raises `Refused` beyond `left`."""
    if entry.compress_type not in (_STORED, _DEFLATED):
        raise _no_workbook()
    file.seek(entry.header_offset + 26)
    lengths = file.read(4)
    file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), io.SEEK_CUR)
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    taken, compressed = 0, entry.compress_size
    while compressed > 0 and (chunk := file.read(min(_CHUNK, compressed))):
        compressed -= len(chunk)
        taken += len(chunk) if entry.compress_type == _STORED else 0
        while entry.compress_type == _DEFLATED and chunk and taken <= left:
            taken += len(inflating.decompress(chunk, 1_048_576))
            chunk = inflating.unconsumed_tail
        if taken > left:
            raise Refused(f"a workbook that inflates to more than {MAX_INFLATED:,} bytes", rule="size")
    return taken


def _rows(file: BinaryIO, sheet: str) -> Iterator[list[Any]]:
    if find_spec("python_calamine") is None:
        raise PermanentError(
            "reading workbooks needs the extra `formats`", hint="pip install 'ingest[formats]'"
        )
    with _reader(file, sheet) as answers:
        found = _heard(answers)
        if not isinstance(found, dict) or "error" in found:
            raise _encrypted() if has_password(file) else _refused(found)
        for _ in range(found["rows"]):
            row = _heard(answers)
            if row is None:
                raise _refused(None)
            yield [_value(cell) for cell in row]


@contextmanager
def _reader(file: BinaryIO, sheet: str) -> Iterator[IO[bytes]]:
    """What the process that reads the workbook answers; it is ended with the block."""
    command = [sys.executable, "-E", "-P", str(Path(excel_cells.__file__)), sheet]
    process = subprocess.Popen(  # noqa: S603  # this very program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        with suppress(BrokenPipeError):  # then it says why, or ended without a word
            while chunk := file.read(_CHUNK):
                process.stdin.write(chunk)
            process.stdin.close()
        yield process.stdout
    finally:
        process.kill()
        process.wait()
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()


def _heard(answers: IO[bytes]) -> Any:
    """The next answer; None where there is none."""
    line = answers.readline(_MAX_LINE)
    return json.loads(line) if line.endswith(b"\n") else None


def _refused(found: Any) -> Refused:
    error = found["error"] if isinstance(found, dict) else ""
    if error == "sheet":
        return Refused(
            f"the workbook has {found['sheets']} sheets, and not the one that is declared", rule="sheet"
        )
    if found is None:
        return Refused(
            f"the workbook cannot be read in {excel_cells.MEMORY // 1024**2} MiB and {excel_cells.SECONDS} s",
            rule="size",
        )
    return _no_workbook()


def _no_workbook() -> Refused:
    return Refused(
        "no workbook that can be read (.xlsx, .xlsb, .xls or .ods)", rule="workbook", hint="ask the sender"
    )


def _encrypted() -> Refused:
    return Refused("the workbook is encrypted", rule="encrypted", hint="ask for it without a password")


def _value(cell: str) -> Any:
    mark, text = cell[:1], cell[1:]
    match mark:
        case "n":
            number = Decimal(text)
            return number if number.is_finite() else text
        case "s":
            return text
        case "b":
            return text == "1"
        case "d":
            return date.fromisoformat(text)
        case "t":
            return datetime.fromisoformat(text)
        case _:
            return None


def _text(cell: Any) -> str:
    return "" if cell is None else format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def _batches(rows: Iterator[list[Any]], first: int) -> Iterator[Batch]:
    numbers = count(first)
    while some := list(islice(rows, BATCH)):
        yield Batch(rows=some, places=partial(_places, some, [next(numbers) for _ in some]))


def _places(rows: Sequence[Sequence[Any]], numbers: Sequence[int]) -> Sequence[Place]:
    return [Place(number, ";".join(map(_text, row))) for number, row in zip(numbers, rows, strict=True)]
