"""Our events are CloudEvents 1.0 to others, and theirs to us: proved with the SDK of that project."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.codec import decode, encode, envelope, new_event, typed
from ingest.domain.events import Event, FileLanded
from ingest.domain.naming import encode_attribute
from tests.events.examples import EVENTS, FACTS, LANDED, NOON

SDK = JSONFormat()
PATHS = st.binary(min_size=1, max_size=40)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds


@st.composite
def landings(draw: st.DrawFn) -> Event:
    """A landing at any path at any time, with or without a cause."""
    path, time = encode_attribute(draw(PATHS)), draw(MOMENTS)
    fact = FileLanded(**{name: getattr(LANDED, name) for name in FileLanded.__slots__} | {"landed_at": time})
    given_: dict[str, Any] = {
        "id": draw(st.uuids()).hex,
        "source": "/ingest/acme",
        "subject": path,
        "time": time,
        "partitionkey": f"acme/{path}",
    }
    root = new_event(fact, **given_)
    event = new_event(fact, cause=root, **given_ | {"id": "2"}) if draw(st.booleans()) else root
    return replace(event, keyseq=draw(st.integers(1, 2**31 - 1)))


def read(event: Event) -> BaseCloudEvent:
    """The event as the SDK reads the JSON we publish."""
    return SDK.read(CloudEvent, json.dumps(envelope(event)))


@given(landings())
def test_the_sdk_reads_what_we_write(event: Event) -> None:
    found = read(event)

    assert found.get_id() == event.id
    assert found.get_type() == event.type
    assert found.get_source() == event.source
    assert found.get_subject() == event.subject
    assert found.get_time() == event.time
    assert found.get_dataschema() == event.dataschema
    assert found.get_datacontenttype() == "application/json"
    assert found.get_data() == event.data
    assert found.get_extension("partitionkey") == event.partitionkey
    assert found.get_extension("correlationid") == event.correlationid
    assert found.get_extension("causationid") == event.causationid
    assert found.get_extension("keyseq") == event.keyseq


@given(landings())
def test_we_read_what_the_sdk_writes(event: Event) -> None:
    written = SDK.write(read(event)).decode()

    assert decode(written, event.keyseq) == event
    assert encode(decode(written)) == encode(event)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_was_made_with_the_sdk_alone_is_ours_to_read(name: str) -> None:
    event = EVENTS[name]
    attributes = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": NOON,
        "dataschema": event.dataschema,
        "partitionkey": event.partitionkey,
        "correlationid": event.correlationid,
    } | ({} if event.causationid is None else {"causationid": event.causationid})

    found = decode(SDK.write(CloudEvent(attributes, dict(event.data))).decode())

    assert found == event
    assert typed(found) == FACTS[name]


@pytest.mark.parametrize("name", EVENTS)
def test_the_names_of_our_extensions_are_ones_that_cloudevents_allows(name: str) -> None:
    attributes = envelope(replace(EVENTS[name], keyseq=1))

    assert all(
        name.isascii() and name.isalnum() and name.islower() and len(name) <= 20 for name in attributes
    )
