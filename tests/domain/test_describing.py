"""The schema of a class says what is written; a minor may only add optional fields."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from jsonschema import Draft202012Validator

from ingest.domain.describing import breaks, disagreements, schema_of
from ingest.domain.facts import fact, published, to_data


@fact("tests.describing.everything", version=3, minor=2)
@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """A field of each kind."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    text: str
    count: int
    is_so: bool
    amount: Decimal
    day: date
    at: datetime
    lines: list[Decimal]
    names: Mapping[str, str]
    perhaps: date | None
    later: str | None = None


FACT = Everything(
    text="a",
    count=1,
    is_so=True,
    amount=Decimal("-1.50"),
    day=date(2026, 3, 2),
    at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    lines=[Decimal(1)],
    names={"a": "b"},
    perhaps=None,
)
SCHEMA = schema_of(Everything)


def test_the_schema_of_a_class_describes_what_is_written() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)

    assert SCHEMA["$id"] == "urn:ingest:schema:tests.describing.everything:3.2"
    assert SCHEMA["description"] == "A field of each kind."
    validator.validate(to_data(FACT))
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) - {"later"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": None},
        {"count": 1.5},
        {"is_so": "true"},
        {"amount": 1.5},
        {"amount": "1e3"},
        {"day": "2.3.2026"},
        {"lines": [1]},
        {"names": {"a": 1}},
        {"perhaps": 1},
        {"later": None},
    ],
)
def test_the_schema_of_a_class_refuses_what_is_never_written(wrong: dict[str, Any]) -> None:
    validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)

    assert not validator.is_valid(to_data(FACT) | wrong)


def changed(**at: Any) -> dict[str, Any]:
    """The schema with values set at places: `required__text=None` takes one away."""
    found = deepcopy(SCHEMA)
    for place, value in at.items():
        *path, last = place.split("__")
        inner: Any = found
        for part in path:
            inner = inner[part]
        if value is None:
            inner.remove(last) if isinstance(inner, list) else inner.pop(last)
        elif isinstance(inner, list):
            inner.append(last)
        else:
            inner[last] = value
    return found


def test_a_schema_may_say_more_than_its_class() -> None:
    said = changed(properties__text__minLength=1, properties__text__description="Any.", title="Other")

    assert list(disagreements(Everything, SCHEMA)) == []
    assert list(disagreements(Everything, said)) == []


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (SCHEMA | {"$id": "urn:x"}, ["its $id is 'urn:x', not"]),
        (changed(properties__text=None), ["it lacks the field 'text' of Everything"]),
        (changed(properties__more={"type": "string"}), ["its field 'more' is not in Everything"]),
        (changed(properties__count__type="string"), ["its field 'count' is not of the type integer"]),
        (changed(properties__perhaps__type="string"), ["its field 'perhaps' is not of the type"]),
        (changed(properties__lines__items__type="integer"), ["its field 'lines' is not of the type array"]),
        (changed(required__text=None), ["its field 'text' is not required, in Everything it is"]),
        (changed(required__later="later"), ["its field 'later' is required, in Everything it is not"]),
    ],
)
def test_each_way_in_which_a_schema_differs_from_its_class_is_named(
    schema: dict[str, Any], said: list[str]
) -> None:
    found = list(disagreements(Everything, schema))

    assert len(found) == len(said)
    assert all(part in text for part, text in zip(said, found, strict=True))


def test_a_minor_may_add_optional_fields_and_change_what_is_said_to_people() -> None:
    grown = changed(
        properties__more={"type": "integer"}, properties__text__description="Any.", description="Other."
    )

    assert list(breaks(SCHEMA, grown | {"$id": "urn:ingest:schema:tests.describing.everything:3.3"})) == []


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (changed(properties__later=None), "the field 'later' is gone"),
        (changed(properties__text__type="integer"), "the field 'text' is described otherwise"),
        (changed(properties__text__minLength=1), "the field 'text' is described otherwise"),
        (changed(required__later="later"), "the field 'later' is required"),
        (changed(required__text=None), "the field 'text' is no longer required"),
        (changed(additionalProperties=False), "'additionalProperties' is not what it was"),
        (changed(type="array"), "'type' is not what it was"),
    ],
)
def test_a_minor_that_does_more_is_named(schema: dict[str, Any], said: str) -> None:
    assert list(breaks(SCHEMA, schema)) == [said]


def test_what_is_no_schema_differs_in_everything_and_breaks_nothing_apart() -> None:
    assert len(list(disagreements(Everything, {"properties": [], "required": 1}))) == 1 + 10
    assert list(breaks({}, {})) == []


def test_every_published_class_can_be_described() -> None:
    for cls in [cls for cls in published() if not cls.__module__.startswith("tests")]:
        Draft202012Validator.check_schema(schema_of(cls))
