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
from tests.formats.workbooks import compound, records, xlsx, zipped

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


@pytest.mark.parametrize(
    "data",
    [
        compound("EncryptedPackage", b"8 bytes of length, then what nobody can read"),
        compound("Workbook", records((0x809, bytes(16)), (0x2F, bytes(54)), (0x0A, b""))),
        compound("Book", records((0x809, bytes(8)), (0x86, b""), (0x2F, bytes(4)), (0x0A, b""))),
        zipped(
            {
                "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
                "content.xml": b"what nobody can read",
                "META-INF/manifest.xml": '<manifest:manifest xmlns:manifest="x"><manifest:file-entry>'
                "<manifest:encryption-data/></manifest:file-entry></manifest:manifest>",
            }
        ),
    ],
    ids=["xlsx and xlsb", "xls", "xls before 1997", "ods"],
)
def test_a_workbook_with_a_password_is_named_as_one(data: bytes) -> None:
    refused = refusal(data)

    assert (refused.rule, refused.message) == ("encrypted", "the workbook is encrypted")
    assert refused.hint == "ask for it without a password"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (compound("WordDocument", b"a letter"), "workbook"),
        (compound("Workbook", records((0x809, bytes(16)), (0x2F00, bytes(54)))), "workbook"),
        (
            compound("Workbook", records((0x809, b"\0\x06\5".ljust(16, b"\0")), (0x0A, b""))),
            "sheet",
        ),  # it has none
        (compound("Workbook", b"")[:1540], "workbook"),
        (zipped({"META-INF/manifest.xml": "<manifest/>"}), "workbook"),
    ],
)
def test_what_is_refused_for_another_reason_is_not_said_to_have_a_password(data: bytes, rule: str) -> None:
    assert refusal(data).rule == rule


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
