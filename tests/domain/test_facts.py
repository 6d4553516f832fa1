from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.facts import EventUnreadable, class_of, fact, from_data, to_data, type_of
from ingest.errors import UsageError


@fact("tests.everything.happened", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    type: ClassVar[str]
    dataschema: ClassVar[str]
    text: str
    count: int
    is_so: bool
    amount: Decimal
    day: date
    at: datetime
    names: list[str]
    amounts: list[Decimal]
    fields: Mapping[str, str]
    maybe: str | None
    later: int | None = None


PLAIN: dict[str, Any] = {
    "text": "a",
    "count": 1,
    "is_so": True,
    "amount": "1.50",
    "day": "2026-03-01",
    "at": "2026-03-01T00:00:00.000000Z",
    "names": ["a"],
    "amounts": ["0.00"],
    "fields": {"a": "b"},
    "maybe": None,
}
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False)
FACTS = st.builds(
    Everything,
    text=st.text(),
    count=st.integers(),
    is_so=st.booleans(),
    amount=AMOUNTS,
    day=st.dates(),
    at=st.datetimes(datetime(2, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # a bound carries no zone
    names=st.lists(st.text()),
    amounts=st.lists(AMOUNTS),
    fields=st.dictionaries(st.text(), st.text()),
    maybe=st.none() | st.text(),
    later=st.none() | st.integers(),
)


@given(FACTS)
def test_a_fact_survives_its_data(happened: Everything) -> None:
    data = to_data(happened)

    assert from_data(Everything, data) == happened
    assert to_data(from_data(Everything, data)) == data


@given(FACTS)
def test_money_is_written_as_plain_text_with_the_decimals_it_has(happened: Everything) -> None:
    text = to_data(happened)["amount"]

    assert isinstance(text, str)
    assert set(text) <= set("-0123456789.")
    assert Decimal(text) == happened.amount


def test_a_field_without_a_default_is_always_there_and_one_with_none_only_when_it_has_a_value() -> None:
    without = from_data(Everything, PLAIN)

    assert to_data(without) == PLAIN
    assert to_data(from_data(Everything, PLAIN | {"later": 7})) == PLAIN | {"later": 7}


def test_what_a_newer_minor_added_is_ignored() -> None:
    assert from_data(Everything, PLAIN | {"invented_later": [1]}) == from_data(Everything, PLAIN)


@pytest.mark.parametrize("name", sorted(set(PLAIN) - {"maybe"}))
def test_a_field_that_is_missing_or_null_is_named(name: str) -> None:
    for data in ({key: value for key, value in PLAIN.items() if key != name}, PLAIN | {name: None}):
        with pytest.raises(EventUnreadable, match=repr(name)):
            from_data(Everything, data)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("text", 1),
        ("text", ["a"]),
        ("count", "1"),
        ("count", 1.0),
        ("count", True),
        ("is_so", 1),
        ("is_so", "true"),
        ("amount", 1.5),
        ("amount", 1),
        ("amount", "NaN"),
        ("amount", "Infinity"),
        ("amount", ""),
        ("amount", "1,5"),
        ("amount", "1e3"),
        ("amount", "1_000"),
        ("amount", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("amount", " 1"),
        ("amount", {"sign": 0}),
        ("amount", [0, [1], 0]),
        ("day", "yesterday"),
        ("day", 20260301),
        ("at", "2026-03-01T00:00:00"),
        ("at", 0),
        ("names", "abc"),
        ("names", {"a": 1}),
        ("names", [1]),
        ("names", 5),
        ("amounts", ["1", 2]),
        ("fields", {"a": 1}),
        ("fields", {"a": None}),
        ("fields", [["a", "b"]]),
        ("fields", "ab"),
        ("maybe", 1),
        ("later", "1"),
    ],
)
def test_a_field_of_another_shape_is_named_and_its_value_is_not_repeated(name: str, wrong: Any) -> None:
    with pytest.raises(EventUnreadable, match=repr(name)) as unreadable:
        from_data(Everything, PLAIN | {name: wrong})

    assert str(unreadable.value) == f"the event's {name!r} cannot be read by Everything"


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_data_that_is_no_object_is_unreadable(data: Any) -> None:
    with pytest.raises(EventUnreadable):
        from_data(Everything, data)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("amount", 1.5), ("amount", Decimal("NaN")), ("count", True), ("text", b"a"), ("fields", {"a": 1})],
)
def test_a_value_of_another_type_never_gets_into_an_event(name: str, wrong: Any) -> None:
    values = {field: getattr(from_data(Everything, PLAIN), field) for field in PLAIN}

    with pytest.raises((TypeError, ValueError)):
        to_data(Everything(**values | {name: wrong}))


def test_a_moment_without_a_zone_never_gets_into_an_event() -> None:
    values = {field: getattr(from_data(Everything, PLAIN), field) for field in PLAIN}

    with pytest.raises(ValueError, match="zone"):
        to_data(Everything(**values | {"at": datetime(2026, 3, 1)}))  # noqa: DTZ001  # the very thing that is refused


def test_a_published_class_knows_its_type_and_its_schema() -> None:
    assert Everything.type == "tests.everything.happened.v1"
    assert Everything.dataschema == "urn:ingest:schema:tests.everything.happened:1.0"
    assert class_of(Everything.type) is Everything
    assert type_of(Everything) == type_of(Everything.type) == Everything.type


def test_a_type_that_nobody_published_has_no_class() -> None:
    assert class_of("tests.nothing.v1") is None


def test_a_class_that_is_no_frozen_dataclass_cannot_be_a_fact() -> None:
    @dataclass
    class Mutable:
        text: str

    for cls in (Mutable, str):
        with pytest.raises(UsageError, match="frozen"):
            fact("tests.mutable", version=1)(cls)


def test_a_class_that_was_not_published_cannot_be_accepted() -> None:
    @dataclass(frozen=True)
    class Unpublished:
        type: ClassVar[str] = "tests.unpublished.v1"

    for cls in (Unpublished, str):
        with pytest.raises(UsageError, match="not a fact"):
            type_of(cls)


def test_two_classes_cannot_share_a_type() -> None:
    with pytest.raises(UsageError, match=r"tests\.everything\.happened\.v1"):

        @fact("tests.everything.happened", version=1)
        @dataclass(frozen=True)
        class Other:
            text: str


def test_a_field_without_a_json_form_is_named() -> None:
    @fact("tests.floating", version=1)
    @dataclass(frozen=True)
    class Floating:
        amount: float

    with pytest.raises(UsageError, match=r"Floating\.amount"):
        to_data(Floating(amount=1.5))
