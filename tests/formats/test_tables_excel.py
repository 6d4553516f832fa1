from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.vetting import Refused
from processors.formats.tables import Place
from processors.formats.tables_excel import MAX_INFLATED, read
from tests.formats.workbooks import xlsx, zipped

GOOD = xlsx({"A1": "id", "B1": "amount", "A2": "i-1", "B2": 12.1})


def rows(data: bytes, **how: Any) -> list[list[Any]]:
    return [list(row) for batch in read(io.BytesIO(data), **how).batches for row in batch.rows]


def refusal(data: bytes, **how: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        rows(data, **how)
    return refused.value


def test_cells_are_what_they_hold_and_numbers_as_exact_as_they_are_shown() -> None:
    cells: dict[str, str | float | bool] = {
        "A1": "a",
        "A2": 0.1 + 0.2,
        "A3": 44_000,
        "A4": 44_000,
        "A5": True,
        "A6": 1e20,
        "A7": "x",
    }

    found = rows(xlsx(cells, dates=("A4",)))

    number = Decimal("0.3")
    assert found == [[number], [Decimal(44_000)], [date(2020, 6, 18)], [True], [Decimal("1e20")], ["x"]]


def test_a_table_may_begin_anywhere_on_its_sheet() -> None:
    data = xlsx({"A1": "Approvals of May", "B3": "id", "C3": "amount", "B4": "i-1", "B6": "i-2", "C6": 5})

    sheet = read(io.BytesIO(data), header=3)
    [batch] = sheet.batches

    assert sheet.header == ("", "id", "amount")
    assert [list(row) for row in batch.rows] == [[None, "i-1", None], [], [None, "i-2", Decimal(5)]]
    assert batch.places()[2] == Place(6, ";i-2;5")


def test_columns_that_nobody_uses_before_the_first_are_there_all_the_same() -> None:
    assert rows(xlsx({"C1": "x"}), names=("a", "b", "c")) == [[None, None, "x"]]


def test_rows_that_end_a_sheet_are_left_out() -> None:
    assert rows(xlsx({"A1": "a", "A2": 1, "A3": "total"}), trailing=1) == [[Decimal(1)]]


@pytest.mark.parametrize("sheet", ["2", "0", "Sheet2", ""])
def test_a_sheet_that_is_not_there_is_refused(sheet: str) -> None:
    assert refusal(GOOD, sheet=sheet).rule == "sheet"


def test_a_sheet_may_be_named() -> None:
    assert rows(GOOD, sheet="Sheet1") == [["i-1", Decimal("12.1")]]


@pytest.mark.parametrize("data", [b"", b"id,amount\n", b"PK\x03\x04", GOOD[:-30], zipped({"a": "b"})])
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    assert refusal(data).rule == "workbook"


def test_a_workbook_that_inflates_without_end_is_refused_whatever_it_says_itself() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as into:
        into.writestr("xl/workbook.xml", bytes(MAX_INFLATED + 1))
    honest = bomb.getvalue()
    lying = honest.replace((MAX_INFLATED + 1).to_bytes(4, "little"), (1).to_bytes(4, "little"))

    assert {refusal(honest).rule, refusal(lying).rule} == {"size"}


def test_a_sheet_as_large_as_its_farthest_cell_says_ends_another_process() -> None:
    assert refusal(xlsx({"A1": "a", "XFD1048576": 1})).rule == "size"


@settings(max_examples=25)
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_a_workbook_with_any_byte_changed_is_read_or_refused(at: int, byte: int) -> None:
    try:
        rows(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])
    except Refused as refused:
        found = refused.rule
    else:
        found = "read"

    assert found in {"read", "workbook", "size", "sheet"}
