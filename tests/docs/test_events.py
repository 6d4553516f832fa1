"""docs/reference/events.md names every attribute of the envelope and every field of every published fact."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from ingest import registry
from ingest.domain.codec import decode, envelope, typed
from ingest.domain.events import (
    DuplicateFileReceived,
    Event,
    FileExtracted,
    FileLanded,
    FileRefused,
    ReconcileCompleted,
    WatchGapDetected,
)
from ingest.domain.facts import class_of
from tests.docs.pages import REFERENCE, blocks_of, inline, rows, sections

PAGE = REFERENCE / "events.md"
registry.find("payments:payments")  # publishes its facts
FACTS: list[Any] = [
    FileLanded,
    FileExtracted,
    FileRefused,
    DuplicateFileReceived,
    WatchGapDetected,
    ReconcileCompleted,
    class_of("ingest.payment.settled.v1"),
]


def test_every_attribute_of_the_envelope_is_explained_and_no_other() -> None:
    of_event = {field.name for field in dataclasses.fields(Event)} | {"specversion", "datacontenttype"}

    assert set(_named("The envelope")) == of_event


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_every_field_of_a_fact_is_explained_in_order_and_no_other(fact: Any) -> None:
    assert _named(f"`{fact.__name__}`") == [field.name for field in dataclasses.fields(fact)]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_every_fact_is_named_with_its_type(fact: Any) -> None:
    assert fact.type in inline(sections(PAGE)[f"`{fact.__name__}`"])


def test_the_example_is_an_event_that_the_program_reads_and_would_write() -> None:
    [example] = blocks_of(PAGE, sections(PAGE)["`FileLanded`"])
    found = json.loads(example.text)

    event = decode(example.text, found["keyseq"])

    assert isinstance(typed(event), FileLanded)
    assert envelope(event) == found


def _named(heading: str) -> list[str]:
    return [inline(row[0])[0] for row in rows(sections(PAGE)[heading])]
