import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.references import LONGEST, is_structured, name, names


@pytest.mark.parametrize(
    "text",
    [
        "INV-2026/0042",
        "inv 2026 0042",
        "Invoice INV.2026.0042, thanks",
        "E2E-9 / inv2026-0042",
        "ＩＮＶ－2026－0042",  # noqa: RUF001  # as some banks of the east write it
    ],
)
def test_a_number_is_found_however_it_was_typed_and_wherever_it_stands(text: str) -> None:
    assert name("INV-2026-0042") in names(text)


@pytest.mark.parametrize("text", ["INV-2026-00421", "XINV-2026-0042", "INV-2026-004 2X"])
def test_a_number_that_is_only_a_part_of_a_word_is_not_found(text: str) -> None:
    assert name("INV-2026-0042") not in names(text)


def test_a_short_name_or_one_without_a_digit_is_found_where_it_is_the_whole_text() -> None:
    assert names(" 77 ") == ["77"]
    assert names("rent") == ["RENT"]
    assert "77" not in names("for 77 teas")
    assert "RENT" not in names("rent of May")


@pytest.mark.parametrize("text", ["", " -/. ", "\n"])
def test_a_text_without_letters_and_digits_names_nothing(text: str) -> None:
    assert names(text) == []


def test_a_structured_reference_is_known_with_and_without_its_check_digits() -> None:
    found = names("pay RF18 5390 0754 7034 please")

    assert {"RF18539007547034", "539007547034"} <= set(found)
    assert "54707034" not in found


def test_of_a_structured_reference_with_wrong_check_digits_no_part_is_a_name() -> None:
    assert names("RF19 5390 0754 7034") == ["RF19539007547034"]
    assert names("RF19539007547034") == ["RF19539007547034"]


@pytest.mark.parametrize("text", ["RF18539007547034", "RF712348231", "RF45G72UUR"])
def test_check_digits_of_structured_references_are_verified(text: str) -> None:
    assert is_structured(text)
    assert not is_structured(text[:2] + str((int(text[2:4]) + 1) % 100).zfill(2) + text[4:])


@given(st.text(max_size=2_000))
def test_names_of_any_text_are_bounded_and_names_of_themselves(text: str) -> None:
    found = names(text)

    assert len(found) <= 1_100
    assert all(0 < len(each) <= LONGEST for each in found)
