"""Which versions of a type are later than those somebody reads."""

import pytest

from ingest.domain.versions import is_later

V1 = frozenset({"tests.order.v1"})


@pytest.mark.parametrize("type_", ["tests.order.v2", "tests.order.v10"])
def test_a_later_major_of_an_accepted_type_is_later(type_: str) -> None:
    assert is_later(type_, V1)


@pytest.mark.parametrize(
    "type_", ["tests.order.v1", "tests.order.v0", "tests.other.v2", "tests.order.v2.v3", "tests.order.vast"]
)
def test_nothing_else_is(type_: str) -> None:
    assert not is_later(type_, V1)


def test_a_later_version_that_is_accepted_is_read() -> None:
    assert not is_later("tests.order.v2", V1 | {"tests.order.v2"})
    assert is_later("tests.order.v3", V1 | {"tests.order.v2"})
