"""Files of rows that others made: read with as many records as those who made them say, or refused."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import PermanentError
from ingest.vetting import Refused, json_elements, json_values
from processors.formats import tables_csv, tables_excel
from processors.formats.csv_records import Dialect
from processors.formats.tables import Sheet

_SET = os.environ.get("INGEST_CORPUS")
CORPUS = Path(_SET or ".")
needs_corpus = pytest.mark.skipif(_SET is None, reason="INGEST_CORPUS names no folder of files of others")
SOUND = {"bad_key.ndjson", "empty_object.ndjson"}  # labelled for what one reader's schema makes of good JSON


def labelled(format_: str) -> list[dict[str, str]]:
    if _SET is None:
        return []
    with (CORPUS / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["format"] == format_]


def count(path: Path, read: Callable[[Path], int]) -> int | None:
    """How many records there are; None where the file is refused."""
    try:
        return read(path)
    except PermanentError:
        return None


def wrong(format_: str, read: Callable[[Path], int]) -> dict[str, int | None]:
    """What was made of the files of which something else is known."""
    found = {}
    for row in labelled(format_):
        records = count(CORPUS / row["path"], read)
        is_as_known = {
            "valid": records is not None and row["n_records"] in ("", str(records)),
            "invalid": records is None,
        }.get(row["expected"], True)
        if not is_as_known:
            found[Path(row["path"]).name] = records
    return found


def elements(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in json_elements(file))


def values(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in json_values(file, is_lenient=True))


def sheets(path: Path) -> int:
    """The rows of all sheets, empty ones too."""
    total = 0
    for number in range(1, 100):
        try:
            with path.open("rb") as file:
                total += rows_of(tables_excel.read(file, sheet=str(number), names=("a",)))
        except Refused as refused:
            if refused.rule == "sheet" and number > 1:
                return total
            raise
    return total


def delimited(path: Path, delimiter: str) -> int:
    with path.open("rb") as file:
        sheet = tables_csv.read(file, encoding="utf-8", dialect=Dialect(delimiter=delimiter))
        width = len(sheet.header)
        found = [row for batch in sheet.batches for row in batch.rows]
    if any(len(row) != width for row in found):
        raise Refused("rows of other widths", rule="columns")
    return len(found)


def rows_of(sheet: Sheet) -> int:
    return sum(len(batch.rows) for batch in sheet.batches)


@needs_corpus
def test_json_is_taken_where_the_standard_allows_it_and_nowhere_else() -> None:
    assert wrong("json", elements) == {}


@needs_corpus
def test_json_lines_are_read_with_all_their_records() -> None:
    assert wrong("jsonl", values).keys() == SOUND


@needs_corpus
def test_workbooks_are_read_with_all_their_rows() -> None:
    assert wrong("excel", sheets) == {}


@needs_corpus
def test_csv_of_payments_is_read_with_all_its_records_in_its_dialect() -> None:
    for row in labelled("payments_csv"):
        if row["expected"] == "valid":
            path = CORPUS / row["path"]
            head = path.read_text(encoding="utf-8").splitlines()[0]
            delimiter = ";" if head.count(";") > head.count(",") else ","
            assert delimited(path, delimiter) == int(row["n_records"]), row["path"]


@needs_corpus
def test_no_csv_of_others_comes_to_anything_but_rows_or_a_refusal() -> None:
    for row in labelled("csv"):
        for delimiter in ",;|\t":
            for is_lenient in (False, True):
                dialect = Dialect(delimiter=delimiter, is_lenient=is_lenient)
                try:
                    with (CORPUS / row["path"]).open("rb") as file:
                        rows_of(tables_csv.read(file, encoding="utf-8", dialect=dialect))
                except PermanentError as error:
                    assert error.message.isprintable(), row["path"]  # noqa: PT017  # either is right
