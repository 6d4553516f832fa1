import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.showing import show

PIECES = (
    b"a",
    b"\\",
    b"x80",
    b"u0080",
    b"\x80",
    b"\xc2\x80",
    b"\xc2\x85",
    b"\n",
    b"\x1b[31m",
    b"\xe2\x80\xae",
)
AWKWARD = st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join)
NAMES = st.one_of(AWKWARD, st.binary(), st.text().map(str.encode))


def test_no_byte_and_no_character_looks_like_another() -> None:
    names = [bytes([byte]) for byte in range(0x80, 0x100)]
    names += [chr(code).encode() for code in range(0x10000) if not 0xD800 <= code < 0xE000]

    assert len({show(name) for name in names}) == len(names)


@given(NAMES, NAMES)
def test_two_different_names_never_look_the_same(one: bytes, other: bytes) -> None:
    assert (show(one) == show(other)) == (one == other)


@given(st.one_of(NAMES, st.text(st.characters())))
def test_what_is_shown_is_one_line_that_moves_no_cursor(name: bytes | str) -> None:
    shown = show(name)

    assert len(shown.splitlines()) <= 1
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    shown.encode()


@given(st.text())
def test_a_name_is_shown_alike_as_text_and_as_bytes(name: str) -> None:
    assert show(name) == show(name.encode())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a.csv", "a.csv"),
        ("März 2026.csv".encode(), "März 2026.csv"),
        (b"a\nERROR b", "a\\x0aERROR b"),
        (b"\x1b[31mred", "\\x1b[31mred"),
        (b"a\\b", "a\\\\b"),
        (b"\xff.csv", "\\xff.csv"),
        (b"\xc2\x85", "\\u0085"),
        ("a\u202egpj.exe".encode(), "a\\u202egpj.exe"),
        ("\U000e0001".encode(), "\\U000e0001"),
        (b"[bold]a[/b].csv", "[bold]a[/b].csv"),
    ],
)
def test_names_are_shown_as_a_person_can_read_them(name: bytes, shown: str) -> None:
    assert show(name) == shown
