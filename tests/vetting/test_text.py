"""Text is read in its declared encoding and in no other."""

from __future__ import annotations

import io

import pytest

from ingest.vetting import Refused, Text, head_of, whole_text


def lines(data: bytes, encoding: str = "utf-8", max_line: int = 100) -> list[str]:
    return list(Text(io.BytesIO(data), encoding=encoding, max_line=max_line))


def test_lines_keep_their_breaks_as_they_stand() -> None:
    assert lines(b"a\r\nb\rc\n\nd") == ["a\r\n", "b\r", "c\n", "\n", "d"]
    assert lines(b"") == []


def test_the_number_is_that_of_the_last_line() -> None:
    text = Text(io.BytesIO(b"a\nb\n"), encoding="utf-8")

    assert [text.number for _ in text] == [1, 2]
    assert text.where == "line 2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_is_no_character(encoding: str) -> None:
    data = ("\ufeff" if encoding in {"utf-8", "utf-16-le", "utf-16-be"} else "") + "é\n"

    assert lines(data.encode(encoding), encoding) == ["é\n"]


@pytest.mark.parametrize(
    ("data", "encoding", "rule", "where"),
    [
        (b"a\nb\xff", "utf-8", "encoding", "byte 3"),
        (b"a\xe9", "ascii", "encoding", "byte 1"),
        (b"\xff\xfea\0", "utf-8", "byte_order_mark", "byte 0"),
        (b"\xef\xbb\xbfa", "cp1252", "byte_order_mark", "byte 0"),
        (b"a\0", "utf-16", "byte_order_mark", "byte 0"),
        (b"a", "nowhere", "encoding", ""),
        (b"a", "base64", "encoding", ""),
        (b"a\nb\0\n", "utf-8", "nul", "line 2"),
        (b"a\n" + b"b" * 101, "utf-8", "line_length", "line 2"),
    ],
)
def test_what_is_not_the_declared_text_is_refused(data: bytes, encoding: str, rule: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        lines(data, encoding)

    assert (refused.value.rule, refused.value.where) == (rule, where)


def test_a_content_that_is_read_as_a_whole_has_a_size_it_may_have() -> None:
    assert whole_text(io.BytesIO(b"a\r\nb"), encoding="utf-8") == "a\r\nb"
    with pytest.raises(Refused, match="3 bytes; at most 2"):
        whole_text(io.BytesIO(b"abc"), encoding="utf-8", max_size=2)


@pytest.mark.parametrize(
    ("data", "encoding", "head"),
    [
        (b"a,b\nc", "utf-8", "a,b\n"),
        ("\ufeffa,b\nc".encode(), "utf-8", "a,b\n"),
        ("a,b\nc".encode("utf-16"), "utf-16", "a,b\n"),
        (b"a,\xff\nc", "utf-8", "a,\ufffd\n"),
        (b"a,\xfc\nc", "latin-1", "a,ü\n"),
        (b"a", "utf-8", "a"),
    ],
)
def test_a_content_is_recognised_by_a_head_that_is_always_text(data: bytes, encoding: str, head: str) -> None:
    assert head_of(io.BytesIO(data), 4, encoding=encoding) == head
