from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.vetting import Refused, json_document, json_elements, json_values
from ingest.vetting import json_parts as module

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
Read = Callable[..., Iterator[tuple[int, Any]]]


@pytest.fixture(scope="module", autouse=True)
def small_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", 3)
        yield


def elements(text: str | bytes, *, read: Read = json_elements, is_lenient: bool = False) -> list[Any]:
    return [value for _, value in read(file(text), is_lenient=is_lenient)]


def file(text: str | bytes) -> BinaryIO:
    return io.BytesIO(text if isinstance(text, bytes) else text.encode())


def refusal(text: str | bytes, *, read: Read = json_elements) -> str:
    with pytest.raises(Refused) as refused:
        elements(text, read=read)
    return refused.value.message


@given(values=st.lists(VALUES, max_size=5), indent=st.sampled_from([None, 1]))
def test_the_elements_of_an_array_are_those_of_the_whole_document(
    values: list[Any], indent: int | None
) -> None:
    text = json.dumps(values, indent=indent)

    assert elements(text) == values


@given(values=st.lists(VALUES.filter(lambda value: not isinstance(value, list)), max_size=5))
def test_values_stand_one_after_the_other_over_any_lines(values: list[Any]) -> None:
    text = "\n".join(json.dumps(value, indent=1) for value in values)

    assert elements(text, read=json_values) == values


@given(text=st.text(st.sampled_from('[]{},:"\\ \n1e.-tu0'), max_size=14))
@example(text='[1, "\\u12')
@example(text="[nul")
@example(text="1.")
@example(text='{"a":1}}')
def test_what_is_no_document_is_refused_element_by_element_too(text: str) -> None:
    try:
        whole = json_document(file(text))
    except Refused:
        refusal(text)
    else:
        assert elements(text) == (whole if isinstance(whole, list) else [whole])


@given(st.binary(max_size=60))
def test_no_bytes_whatever_raise_anything_but_a_refusal(data: bytes) -> None:
    for read in (json_elements, json_values):
        try:
            elements(data, read=read)
        except Refused:
            continue


def test_elements_know_the_line_where_they_begin() -> None:
    text = '[\n  {"a":\n 1},\n\n  2\n]'

    assert list(json_elements(file(text))) == [(2, {"a": 1}), (5, 2)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[\n]\n42", "line 3, column 1: not JSON: extra data"),
        ('[1,\n2 "x"]', "line 2, column 3: not JSON: expecting ',' delimiter"),
        ('[1,\n{"a" 2}]', "line 2, column 6: not JSON: expecting ':' delimiter"),
        ("[1,\n]", "line 2, column 1: not JSON: expecting value"),
        ("", "line 1, column 1: not JSON: expecting value"),
        ("[NaN]", "line 1: NaN is not a number of JSON"),
        ("[\n" + "[" * 101 + "]" * 101 + "]", "line 2: nested deeper than 100"),
        ("[" * 100_000, "line 1: nested deeper than 100"),
        ('[{"a":1,"a":2}]', "line 1: a name occurs twice in one object"),
        ('["\\ud800"]', "line 1: half of a surrogate pair"),
    ],
)
def test_a_refusal_names_the_place_and_what_is_wrong(text: str, said: str) -> None:
    assert refusal(text) == said


def test_an_error_is_told_before_the_rest_is_read() -> None:
    data = file("[1,!" + " " * 1_000_000)

    with pytest.raises(Refused):
        list(json_elements(data))

    assert data.tell() < 100_000
