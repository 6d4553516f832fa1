import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.naming import digest_of, encode_attribute, fact_id, landed_id, refused_id

LANDED = "e75663bde9c7aa8742737e331b172ff681b6e3451b1186f6d6b9872f283d310c"
REFUSED = "619c91e33ac41b58af129d84eaf17dd01202152faf66b4cfab496747371e51c3"
SETTLED = "93785b267fdae9e96f95980f9b2ba5fa29a61f66a2772d76b68414210b88646c"

PARTS = st.lists(st.binary(max_size=3), max_size=4)
AWKWARD = st.text(
    alphabet=st.sampled_from(
        "ab%2F05\x00\x1f\x7f\x80\x9f é\u202e\ufdd0\ufdef\ufffe\uffff\U0001ffff\U0010fffe/\\\n"
    )
)


def is_allowed(char: str) -> bool:
    """What CloudEvents 1.0 allows in a string attribute, in words of its own type system."""
    code = ord(char)
    is_control = unicodedata.category(char) == "Cc"
    is_noncharacter = code & 0xFFFF in (0xFFFE, 0xFFFF) or 0xFDD0 <= code <= 0xFDEF
    return not is_control and not is_noncharacter and not 0xD800 <= code <= 0xDFFF


@given(st.one_of(st.text(), AWKWARD, st.binary()))
def test_an_encoded_attribute_holds_no_character_that_cloudevents_forbids(name: str | bytes) -> None:
    encoded = encode_attribute(name)

    assert all(map(is_allowed, encoded))
    encoded.encode()


@given(
    st.one_of(st.text(), AWKWARD).map(str.encode) | st.binary(),
    st.one_of(AWKWARD.map(str.encode), st.binary()),
)
def test_different_names_are_encoded_differently(one: bytes, other: bytes) -> None:
    assert (encode_attribute(one) == encode_attribute(other)) == (one == other)


@given(st.one_of(st.text(), AWKWARD))
def test_a_name_is_encoded_alike_as_text_and_as_bytes(name: str) -> None:
    assert encode_attribute(name) == encode_attribute(name.encode())


def test_what_may_stand_is_left_as_it_is() -> None:
    assert encode_attribute("acme/März/übung (1).csv") == "acme/März/übung (1).csv"


def test_percent_signs_control_characters_and_stray_bytes_are_percent_encoded() -> None:
    assert encode_attribute(b"50%\n\xff\xc2\x85") == "50%25%0A%FF%C2%85"


@given(PARTS, PARTS)
def test_a_digest_tells_any_two_lists_of_parts_apart(
    one: list[str | bytes], other: list[str | bytes]
) -> None:
    as_bytes = [
        [part.encode() if isinstance(part, str) else part for part in parts] for parts in (one, other)
    ]

    assert (digest_of("k", *one) == digest_of("k", *other)) == (as_bytes[0] == as_bytes[1])


def test_the_kind_of_an_id_is_part_of_it() -> None:
    assert digest_of("landed", "a") != digest_of("refused", "a") != digest_of("", "landed", "a")


def test_ids_are_for_ever_what_they_once_were() -> None:
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    assert landed_id("acme", b"in/a.csv", sha256, 1) == LANDED
    assert refused_id("acme", b"in/link", "0:1:2:3:4", "symlink") == REFUSED
    assert fact_id("payments", LANDED, "ingest.payment.settled.v1", "A-1") == SETTLED
