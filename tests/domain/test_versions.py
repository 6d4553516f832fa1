"""Which types somebody is told of who reads some versions of one."""

import pytest

from ingest.domain.versions import concerns, first_of, major_of

V2 = frozenset({"tests.order.v2", "tests.odd"})


@pytest.mark.parametrize("type_", [*(f"tests.order.v{major}" for major in (1, 2, 3, 10)), "tests.odd"])
def test_every_version_of_an_accepted_type_concerns_whoever_reads_one(type_: str) -> None:
    assert concerns(V2, type_)


@pytest.mark.parametrize(
    "type_",
    ["tests.order", "tests.order.v", "tests.order.vv2", "tests.order.v2.v1", "tests.orderXv2", "tests.odd.v"],
)
def test_another_type_does_not(type_: str) -> None:
    assert not concerns(V2, type_)


def test_all_versions_of_a_type_have_the_first_in_common() -> None:
    assert first_of("tests.order.v1") == first_of("tests.order.v12") == "tests.order.v1"
    assert first_of("tests.odd") == "tests.odd"


def test_a_type_without_a_version_has_no_major() -> None:
    assert major_of("tests.order.v12") == ("tests.order", 12)
    assert major_of("tests.order.v\N{ARABIC-INDIC DIGIT ONE}") is None
