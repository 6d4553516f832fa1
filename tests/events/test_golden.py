"""What was ever written is read for ever, and written the same way."""

import pytest

from ingest.domain.codec import decode, encode, typed
from tests.events.examples import EVENTS, FACTS, GOLDEN


def stored(name: str) -> str:
    return (GOLDEN / f"{name}.json").read_text("utf-8").rstrip("\n")


def test_every_example_has_its_golden_file_and_every_golden_file_its_example() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {f"{name}.json" for name in EVENTS}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_was_ever_written_still_reads_as_it_was_meant(name: str) -> None:
    event = decode(stored(name))

    assert event == EVENTS[name]
    assert typed(event) == FACTS[name]


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_written_as_it_always_was(name: str) -> None:
    assert encode(EVENTS[name]) == stored(name)
