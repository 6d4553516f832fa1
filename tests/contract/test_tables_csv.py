import csv
import io
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import PermanentError
from processors.formats.csv_records import MAX_RECORD, Row
from processors.formats.tables_csv import read_rows

NO_CELL = {"exclude_categories": ["Cs"], "exclude_characters": "\0"}
CELLS = st.text(st.one_of(st.sampled_from('",\r\n a'), st.characters(**NO_CELL)), max_size=20)  # type: ignore[arg-type]


def rows(data: bytes | str, *, encoding: str = "utf-8") -> list[Row]:
    return list(
        read_rows(
            io.BytesIO(data if isinstance(data, bytes) else data.encode(encoding)), encoding=encoding
        ).rows
    )


def cells(data: bytes | str, *, encoding: str = "utf-8") -> list[list[str]]:
    return [list(row.cells) for row in rows(data, encoding=encoding)]


def refusal(data: bytes | str, *, encoding: str = "utf-8") -> str:
    with pytest.raises(PermanentError) as refused:
        rows(data, encoding=encoding)
    return refused.value.message


@given(
    table=st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6)
    ),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
)
def test_whatever_a_csv_writer_writes_is_read_back(
    table: list[list[str]], ending: str, encoding: str
) -> None:
    width = len(table[0]) if table else 2
    text = io.StringIO()
    # Quoted throughout: the writer leaves a lone carriage return bare where it ends lines otherwise.
    csv.writer(text, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(
        [[f"column {n}" for n in range(width)], *table]
    )

    read = cells(text.getvalue(), encoding=encoding)

    assert read == table


@given(
    st.binary(max_size=200), st.sampled_from(["utf-8", "latin-1", "utf-16", "shift_jis", "cp1252", "utf-7"])
)
def test_no_bytes_whatever_raise_anything_but_a_refusal(data: bytes, encoding: str) -> None:
    with suppress(PermanentError):
        rows(data, encoding=encoding)


@given(st.integers(0, 57))
def test_a_file_cut_anywhere_is_refused_or_ends_with_a_row_that_has_all_its_cells(at: int) -> None:
    whole = 'a,b,c\n1,"two, and\n""more""",3\n4,5,6\r\n7,"8",9\n10,11,12\n'
    kept = whole[:at]

    try:
        read = cells(kept)
    except PermanentError:
        return

    assert all(len(row) == 3 for row in read)
    assert read[:-1] == cells(whole)[: max(len(read) - 1, 0)]


def test_rows_know_the_line_where_they_begin() -> None:
    read = rows('a,b\n1,"x\ny\nz"\n\n2,3\r4,5')

    assert [(row.line, row.is_ended) for row in read] == [(2, True), (6, True), (7, False)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\r\n\n\n"])
def test_any_line_break_ends_a_row_and_blank_lines_are_none(ending: str) -> None:
    assert cells(ending.join(["a,b", "1,2", "3,4"]) + ending) == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("separator", ["\x85", "\x0b", "\x0c", "\x1c", "\u2028"])
def test_what_is_not_a_line_break_in_csv_stays_in_its_cell(separator: str) -> None:
    assert cells(f"a,b\n1{separator}2,3\n") == [[f"1{separator}2", "3"]]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n1,"open\n2,3\n', 2),
        ('a,b\n1,"open', 2),
        ("a,b,c\n1,2,3\n4,5", 3),
        ("a,b,c\n1", 2),
    ],
)
def test_a_file_that_ends_inside_a_row_is_truncated(text: str, line: int) -> None:
    assert refusal(text).startswith(f"line {line}: truncated: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n1,"x"y\n', 2),
        ('a,b\n1,2\n3,"x" \n', 3),
        ('a,b\n1,x"y\n', 2),
        ('a,b\n1,5" by 3"\n', 2),
        ('a,b\n1, "x"\n', 2),
        ('a,b\n"x""y",5" or 6"\n', 2),
    ],
)
def test_a_quote_that_does_not_quote_a_whole_cell_is_refused(text: str, line: int) -> None:
    assert refusal(text).startswith(f"line {line}: bad quoting")


def test_a_short_or_long_row_in_the_middle_is_left_to_the_caller() -> None:
    assert cells("a,b\n1\n2,3,4\n5,6\n") == [["1"], ["2", "3", "4"], ["5", "6"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty: it has no header"),
        ("\n\r\n", "the file is empty: it has no header"),
        ("a,b,a\n", "line 1: columns 1 and 3 have the same name"),
        ("\na,b,\n", "line 2: column 3 of the header has no name"),
        (",".join(map(str, range(1001))), "line 1: 1,001 columns; at most 1,000 are taken"),
    ],
)
def test_a_header_that_does_not_name_its_columns_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


def test_missing_columns_are_named_and_what_the_file_says_is_not() -> None:
    with pytest.raises(PermanentError) as refused:
        read_rows(io.BytesIO(b"id;secret\n"), encoding="utf-8", required=("id", "amount"))

    assert refused.value.message == "line 1: the header lacks id, amount"
    assert refused.value.hint == "columns are separated by commas"


@pytest.mark.parametrize(
    ("data", "encoding", "offset"),
    [
        (b"a,b\n1,\xff\n", "utf-8", 6),
        (b"a,b\n" + b"1,2\n" * 50_000 + b"\xc3\x28,1\n", "utf-8", 200_004),
        (b"a,b\n1,\xc3", "utf-8", 6),
        ("a,b\n1,2".encode("utf-16") + b"\x00", "utf-16", 16),
        (b"a,b\n1,\x81\n", "cp1252", 6),
        ("a,b\n1,é".encode("latin-1"), "ascii", 6),
    ],
)
def test_bytes_that_are_not_the_declared_encoding_are_refused_at_their_offset(
    data: bytes, encoding: str, offset: int
) -> None:
    assert refusal(data, encoding=encoding).startswith(f"byte {offset}: not ")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_the_byte_order_mark_of_the_declared_encoding_is_no_part_of_the_header(encoding: str) -> None:
    text = "a,b\n1,2\n" if encoding in {"utf-16", "utf-32", "utf-8-sig"} else "\ufeffa,b\n1,2\n"

    sheet = read_rows(io.BytesIO(text.encode(encoding)), encoding=encoding)

    assert sheet.header == ("a", "b")


@pytest.mark.parametrize(
    ("written", "declared"), [("utf-16", "utf-8"), ("utf-8-sig", "latin-1"), ("utf-8-sig", "utf-16")]
)
def test_the_byte_order_mark_of_another_encoding_is_refused(written: str, declared: str) -> None:
    assert refusal("a,b\n".encode(written), encoding=declared).startswith("byte 0: the byte order mark of ")


def test_utf_16_without_a_byte_order_mark_is_not_guessed() -> None:
    assert (
        refusal("a,b\n".encode("utf-16-be"), encoding="utf-16")
        == "byte 0: no byte order mark, so utf-16 is ambiguous"
    )


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "", "a\0b"])
def test_an_encoding_that_is_none_is_refused(encoding: str) -> None:
    with pytest.raises(PermanentError, match="the declared encoding is not known"):
        read_rows(io.BytesIO(b"a,b\n"), encoding=encoding)


def test_nul_is_refused_with_its_line() -> None:
    assert refusal("a,b\n1,2\n3,\0\n").startswith("line 3: a NUL character")


def test_a_row_without_an_end_is_refused_before_it_is_all_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless.csv"
    path.write_bytes(b"a," * 4 * MAX_RECORD)

    with path.open("rb") as file:
        with pytest.raises(PermanentError, match="line 1: a line of more than 1,048,576 characters"):
            read_rows(file, encoding="utf-8")

        assert file.tell() < 2 * MAX_RECORD


def test_a_cell_as_long_as_an_unclosed_quote_makes_it_is_refused() -> None:
    assert refusal('a,b\n1,"' + "x" * 200_000 + '"\n').startswith("line 2: a cell of more than 131,072 ")


def test_memory_stays_flat_however_long_the_file(tmp_path: Path) -> None:
    def read(lines: int) -> tuple[int, int]:
        path = tmp_path / f"{lines}.csv"
        path.write_bytes(b"1,2,\xc3\xa9\n" * lines)
        tracemalloc.start()
        with path.open("rb") as file:
            count = sum(1 for _ in read_rows(file, encoding="utf-8").rows)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return count, peak

    short, peak_short = read(4_000)
    long, peak_long = read(40_000)

    assert (short, long) == (3_999, 39_999)
    assert peak_long < peak_short * 1.2
