"""JSON that two readers could understand in two ways is refused, with its place and its rule."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest

from ingest.vetting import Refused, json_document, json_lines


def read(text: str, encoding: str = "utf-8") -> object:
    return json_document(io.BytesIO(text.encode(encoding)), encoding=encoding)


def test_a_document_is_read_with_exact_numbers() -> None:
    assert read('{"a": [1, 1.10, -0, true, null, "\\ud83d\\ude00"]}') == {
        "a": [1, Decimal("1.10"), 0, True, None, "😀"]
    }


@pytest.mark.parametrize(
    ("text", "rule", "where"),
    [
        ('{"a": 1, "a": 1}', "json_name_twice", "line 1"),
        ('[\n\n{"a": {"b": 1, "b": 2}}]', "json_name_twice", "in the document from line 1 on"),
        ("[NaN]", "json_number", "line 1"),
        ("[-Infinity]", "json_number", "line 1"),
        ("[1e5000000000000000000000]", "json_number", "line 1"),
        ("[" + "9" * 1001 + "]", "json_number", "line 1"),
        ("[" + "9." + "9" * 1001 + "]", "json_number", "line 1"),
        ("[" * 101 + "]" * 101, "json_depth", "line 1"),
        ("[" * 100_000, "json_depth", "line 1"),
        ('{"a":' * 100_000, "json_depth", "line 1"),
        ('["\\ud800"]', "json_surrogate", "line 1"),
        ('{"\\udc00": 1}', "json_surrogate", "line 1"),
        ('[1,\n2,\n"x', "json", "line 3, column 1"),
        ("", "json", "line 1, column 1"),
        ("[1] [2]", "json", "line 1, column 5"),
        ("[1,]", "json", "line 1, column 4"),
        ("['a']", "json", "line 1, column 2"),
        ("[\u00a01]", "json", "line 1, column 2"),
    ],
)
def test_what_is_not_json_is_refused(text: str, rule: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)

    assert (refused.value.rule, refused.value.where) == (rule, where)
    assert str(refused.value).startswith(f"{where}: ")


def test_brackets_inside_texts_are_not_nesting() -> None:
    assert read('["' + "[" * 200 + '\\"["]') == ["[" * 200 + '"[']
    assert read("[" * 100 + "]" * 100) is not None


def test_a_mark_is_honoured_and_one_that_disagrees_refused() -> None:
    assert read("\ufeff[1]") == [1]
    assert read("\ufeff[1]", "utf-16-le") == [1]
    with pytest.raises(Refused, match="byte order mark"):
        json_document(io.BytesIO("\ufeff[1]".encode("utf-16-le")))


def test_the_last_of_equal_names_stands_where_the_source_is_lenient() -> None:
    assert json_document(io.BytesIO(b'{"a": 1, "a": 2}'), is_lenient=True) == {"a": 2}
    with pytest.raises(Refused):
        json_document(io.BytesIO(b"[NaN]"), is_lenient=True)


def test_lines_are_given_with_their_numbers_and_refused_with_them() -> None:
    lines = json_lines(io.BytesIO(b'{"a": 1}\n\n  \r\n[2]\n{"a": 1,\n'))

    assert [next(lines), next(lines)] == [(1, {"a": 1}), (4, [2])]
    with pytest.raises(Refused, match=r"^line 6, column 1: not JSON"):
        next(lines)
