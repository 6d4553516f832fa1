"""Files of rows that others made: read with as many records as those who made them say, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingest import PermanentError
from ingest.testing import HandedOver, hand_over
from ingest.vetting import Refused, json_elements, json_values
from processors.formats import tables_csv, tables_excel
from processors.formats.csv_records import Dialect
from processors.formats.tables import Sheet
from processors.tabular import tabular
from tests.corpus.manifest import known

FILES = known("json", "jsonl", "excel", "payments_csv", "csv")
CORPUS = FILES[0].folder
SOUND = {"bad_key.ndjson", "empty_object.ndjson"}  # labelled for what one reader's schema makes of good JSON

OPEN = {"format": "csv", "table": "rows", "columns": [{"name": "none"}]}  # every column is kept in `extra`


def labelled(format_: str) -> list[dict[str, str]]:
    return [each.row for each in FILES if each.row["format"] == format_]


def run(path: Path, options: Mapping[str, Any], *, encoding: str = "utf-8") -> HandedOver:
    return hand_over(tabular, path.read_bytes(), options=options, encoding=encoding)


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


def test_json_is_taken_where_the_standard_allows_it_and_nowhere_else() -> None:
    assert wrong("json", elements) == {}


def test_json_lines_are_read_with_all_their_records() -> None:
    assert wrong("jsonl", values).keys() == SOUND


def test_workbooks_are_read_with_all_their_rows() -> None:
    assert wrong("excel", sheets) == {}


def test_csv_of_payments_is_read_with_all_its_records_in_its_dialect() -> None:
    for row in labelled("payments_csv"):
        if row["expected"] == "valid":
            path = CORPUS / row["path"]
            head = path.read_text(encoding="utf-8").splitlines()[0]
            delimiter = ";" if head.count(";") > head.count(",") else ","
            assert delimited(path, delimiter) == int(row["n_records"]), row["path"]


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


ENCODED = {"latin1.csv": "latin-1", "only_utf16.csv": "utf-16", "shift_jis.csv": "shift_jis"}


@pytest.mark.parametrize(("name", "encoding"), ENCODED.items())
def test_an_encoding_declared_wrong_is_named_and_the_right_one_is_read(name: str, encoding: str) -> None:
    [path] = CORPUS.glob(f"csv/*/{name}")

    with pytest.raises(PermanentError, match=r"byte [0-9]+: ") as refused:
        run(path, OPEN)
    assert "utf-8" in refused.value.message
    assert run(path, OPEN, encoding=encoding).rows


@pytest.mark.parametrize(
    "name",
    [
        "unterminated_escape.csv",
        "unterminated_quote_escape.csv",
        "unterminated_quote_multi_line.csv",
        "bad_escape.csv",
        "invalid_utf.csv",
        "nullbyte.csv",
        "issue_8320_1.csv.gz",
    ],
)
def test_csv_that_is_broken_as_a_file_is_refused_with_its_place(name: str) -> None:
    [path] = CORPUS.glob(f"csv/*/{name}")

    with pytest.raises(PermanentError, match=r"^(line|byte) [0-9]+: |the content is gzip"):
        run(path, OPEN)


def test_amounts_of_a_bank_add_up_in_their_dialect_and_in_no_other() -> None:
    [path] = CORPUS.glob("payments_csv/*/csv_european_decimals.csv")
    amount = {"name": "amount", "from": "Betrag", "type": "decimal", "decimals": 2, "required": True}
    german = {**OPEN, "delimiter": ";", "columns": [amount]}

    found = run(path, {**german, "decimal": ",", "group": "."}).rows
    amounts = [Decimal(row.values["amount"]) for row in found if row.table == "rows"]
    assert amounts == [Decimal("-1234.56"), Decimal("3500.00"), Decimal("-4.50")]
    assert [refusal.rule for refusal in run(path, german).refusals] == ["amount"] * 3
    with pytest.raises(PermanentError, match="the header lacks Betrag"):
        run(path, {**german, "delimiter": ","})


@pytest.mark.parametrize(
    ("name", "column", "lines"),
    [
        ("1.csv", {"name": "on", "from": "date", "type": "date", "format": "%Y/%m/%d"}, [2]),
        ("big_bad.csv", {"name": "one", "from": "1", "type": "integer"}, None),
    ],
)
def test_a_value_that_only_a_contract_can_judge_rejects_its_row(
    name: str, column: dict[str, Any], lines: list[int] | None
) -> None:
    [path] = CORPUS.glob(f"csv/*/{name}")
    bad = [number for number, line in enumerate(path.read_text().splitlines(), 1) if line[:1] in "BC"]

    found = run(path, {**OPEN, "columns": [column]})

    assert [refusal.line for refusal in found.refusals] == (lines or bad)
    assert found.refusals


def test_an_amount_that_is_garbled_rejects_its_row_alone() -> None:
    [path] = CORPUS.glob("payments_csv/*/csv_garbled_amount.csv")
    amount = {"name": "amount", "from": "Amount", "type": "decimal", "required": True}

    found = run(path, {**OPEN, "columns": [amount]})

    assert [(refusal.line, refusal.rule) for refusal in found.refusals] == [(3, "amount")]
    assert [row.values["amount"] for row in found.rows if row.table == "rows"] == ["100.00"]
