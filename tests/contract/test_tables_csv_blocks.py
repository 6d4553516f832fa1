"""Rows that are read many at a time are those that are read one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest import PermanentError
from ingest.vetting import Text
from processors.formats import tables_csv
from processors.formats.csv_records import MAX_RECORD, Dialect, records
from processors.formats.tables_csv import Layout, read

CSV = st.text(st.sampled_from("\",;\r\n'\\# ab\0é"), max_size=60)
DIALECTS = [
    Dialect(),
    Dialect(delimiter=";", quote="'"),
    Dialect(quote=""),
    Dialect(escape="\\"),
    Dialect(comment="#"),
    Dialect(is_lenient=True),
]


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables_csv, "_BLOCK", 7)
        yield


def one_by_one(data: bytes, dialect: Dialect) -> Iterator[tuple[int, str, list[str]]]:
    lines = Text(io.BytesIO(data), encoding="utf-8", max_line=MAX_RECORD)
    return ((row.line, row.raw, list(row.cells)) for row in records(lines, dialect))


def many(data: bytes, dialect: Dialect) -> Iterator[tuple[int, str, list[str]]]:
    layout = Layout(names=("",))  # a last row that is cut short is another matter
    for batch in read(io.BytesIO(data), encoding="utf-8", dialect=dialect, layout=layout).batches:
        for place, row in zip(batch.places(), batch.rows, strict=True):
            yield place.line, place.raw, list(row)


def outcome(rows: Iterator[tuple[int, str, list[str]]]) -> object:
    """The rows, or why there are none: what was read before that is booked by nobody."""
    try:
        return list(rows)
    except PermanentError as error:
        return error.message


@given(text=CSV, dialect=st.sampled_from(DIALECTS))
@example(text='x,a"b"\ny,z\n', dialect=DIALECTS[0])
@example(text='a,"b\n"\n"c""\r\n",d\n', dialect=DIALECTS[0])
@example(text='a\n"\n""\n""\n\n\n\n', dialect=DIALECTS[0])
@example(text=';"\r\0', dialect=DIALECTS[0])
@example(text='a,b"\nc"\n', dialect=DIALECTS[0])
def test_blocks_hold_the_rows_of_the_file_at_their_places(text: str, dialect: Dialect) -> None:
    found, expected = outcome(many(text.encode(), dialect)), outcome(one_by_one(text.encode(), dialect))

    # Of two faults, reading ahead may find the later one first.
    assert found == expected or isinstance(found, str) is isinstance(expected, str) is True


def test_a_file_without_row_ends_is_refused_before_all_of_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_csv, "_BLOCK", 2**16)
    data = io.BytesIO(b'a,b\n1,"' + b"x\n" * 2 * MAX_RECORD)

    with pytest.raises(PermanentError, match="is a quote open"):
        list(read(data, encoding="utf-8").batches)

    assert data.tell() < len(data.getvalue())


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 10, 50])
def test_the_rows_that_end_a_file_are_no_rows_and_say_how_many_there_are(rows: int) -> None:
    body = "".join(f"{n},x\n" for n in range(rows))
    layout = Layout(trailing=2, count_cell=2)

    batches = read(
        io.BytesIO(f"a,b\n{body}end\nrows,{rows}".encode()), encoding="utf-8", layout=layout
    ).batches

    assert [row for batch in batches for row in batch.rows] == [[str(n), "x"] for n in range(rows)]


@pytest.mark.parametrize(
    ("text", "rule"),
    [("a\n1\n", "trailing"), ("a\n1\nend\nrows,3\n", "count"), ("a\n1\nend\nrows\n", "count")],
)
def test_an_end_that_is_not_as_declared_is_refused(text: str, rule: str) -> None:
    sheet = read(io.BytesIO(text.encode()), encoding="utf-8", layout=Layout(trailing=2, count_cell=2))

    with pytest.raises(PermanentError) as refused:
        list(sheet.batches)

    assert getattr(refused.value, "rule") == rule  # noqa: B009  # of the class below


def test_a_header_below_other_lines_is_found_and_lines_are_counted_from_the_first() -> None:
    sheet = read(io.BytesIO(b"export of May\n\na,b\n1,2\n"), encoding="utf-8", layout=Layout(header=3))

    [batch] = sheet.batches
    assert (sheet.header, batch.places()[0].line) == (("a", "b"), 4)


def test_a_quote_where_none_may_stand_is_refused_though_nobody_asks_for_places() -> None:
    sheet = read(io.BytesIO(b'a,b\nx,y"z"\n'), encoding="utf-8")

    with pytest.raises(PermanentError, match="line 2: bad quoting"):
        list(sheet.batches)
