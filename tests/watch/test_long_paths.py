"""A path that no key can be made of lands nothing, in either store; it is told of and holds up no other."""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.domain.keys import LONGEST_KEY
from ingest.errors import UsageError
from ingest.watch.landing.by_hand import Request, land_by_hand
from tests.store.backends import BACKENDS
from tests.watch.place import Place, new_place

LONGEST = LONGEST_KEY - len("acme/")
WHY = "with the source's name, and escaped, it has more than 2500"
BLOCKED = "SELECT reason FROM sightings WHERE state = 'blocked'"


@pytest.fixture(params=sorted(BACKENDS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A pipeline in each of the stores."""
    with new_place(tmp_path, backend=request.param) as made:
        yield made


def a_path(size: int, of: str = string.ascii_letters) -> str:
    """A path of so many characters, which no index can compress."""
    text = random.Random(size).choices(of, k=size)
    for slash in range(60, size - 1, 61):
        text[slash] = "/"
    return "".join(text)


def test_the_longest_path_lands_is_refused_and_leaves_like_any_other(place: Place) -> None:
    place.set(after="delete", max_size=100)
    taken, refused = a_path(LONGEST), a_path(LONGEST)[:-4] + "huge"
    place.drop(taken)
    place.drop(refused, b"x" * 101)

    summary = place.once()

    assert (summary.landed, summary.refused) == (1, 1)
    assert place.landed() == [(taken.encode(), 1)]
    assert not (place.inbox / taken).exists()


def test_one_byte_more_is_blocked_and_the_others_land(place: Place) -> None:
    place.drop(a_path(LONGEST + 1))
    place.drop("good.csv")

    first, again = place.once(), place.once()

    assert (first.landed, again.landed) == (1, 0)
    assert place.landed() == [(b"good.csv", 1)]
    assert place.rows(BLOCKED) == [(f"a path of {LONGEST + 1} bytes: {WHY}",)]


def test_what_counts_is_the_path_as_a_key_has_it(place: Place) -> None:
    short, long = a_path(800, of="%"), a_path(850, of="%")  # each becomes three bytes, but for the slashes
    place.drop(short)
    place.drop(long)

    place.once()

    assert place.landed() == [(short.encode(), 1)]
    assert len(place.rows(BLOCKED)) == 1


def test_a_member_of_a_manifest_is_no_exception(place: Place) -> None:
    place.set(complete="manifest")
    long = a_path(LONGEST + 1)
    place.drop(long, b"long")
    place.drop("good.csv", b"good")
    members = ((long, b"long"), ("good.csv", b"good"))
    lines = (f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in members)
    place.drop("all.sha256", "".join(lines).encode())

    place.once()

    assert place.landed() == [(b"good.csv", 1)]
    assert len(place.rows(BLOCKED)) == 1


def test_by_hand_it_is_refused_at_once_and_lands_under_a_shorter_one(place: Place) -> None:
    file = place.drop(a_path(LONGEST + 1))

    def land(path: str | None) -> None:
        request = Request(file=file, source="acme", path=path, reason="")
        land_by_hand(place.store, place.archive, place.settings, request, now=datetime.now(UTC))

    with pytest.raises(UsageError, match=WHY):
        land(None)
    with pytest.raises(UsageError, match=WHY):
        land(a_path(LONGEST + 2))
    assert place.landed() == []
    land("short.csv")

    assert place.landed() == [(b"short.csv", 1)]
