"""What a delivery means, whoever delivers it, however late."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest.domain.identity import Meaning, Standing, meaning
from ingest.domain.settling import StatTuple


def at(ctime: int) -> StatTuple:
    return StatTuple(1, 0, ctime, "1:1")


STANDING = Standing(version=2, sha256="B", event_id="e2", delivered=at(20))


def never() -> bool:
    raise AssertionError("this was not to be asked")


def yes() -> bool:
    return True


def no() -> bool:
    return False


def test_the_first_content_of_a_path_is_new_and_nothing_is_asked() -> None:
    assert meaning(at(1), "A", None, is_there=never, has_landed=never) is Meaning.NEW


def test_the_delivery_that_stands_stands_and_nothing_is_asked() -> None:
    assert meaning(at(20), "B", STANDING, is_there=never, has_landed=never) is Meaning.STANDS


@pytest.mark.parametrize(
    ("ctime", "sha256", "is_there", "has_landed", "expected"),
    [
        pytest.param(30, "C", yes, never, Meaning.NEW, id="other bytes"),
        pytest.param(30, "B", yes, never, Meaning.REDELIVERED, id="the same bytes again"),
        pytest.param(10, "A", no, never, Meaning.STANDS, id="late, and replaced by what stands"),
        pytest.param(10, "B", no, never, Meaning.STANDS, id="late, though the bytes are those that stand"),
        pytest.param(10, "C", yes, never, Meaning.NEW, id="older by a clock that stepped, and still there"),
        pytest.param(10, "B", yes, never, Meaning.REDELIVERED, id="the same, by a clock that stepped"),
        pytest.param(30, "C", no, no, Meaning.NEW, id="younger, complete, and replaced by now"),
        pytest.param(30, "A", no, yes, Meaning.STANDS, id="a tuple that landed before, clocks aside"),
    ],
)
def test_meaning(
    ctime: int, sha256: str, is_there: Callable[[], bool], has_landed: Callable[[], bool], expected: Meaning
) -> None:
    assert meaning(at(ctime), sha256, STANDING, is_there=is_there, has_landed=has_landed) is expected
