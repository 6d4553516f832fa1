import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.domain.codec import (
    FIRST_LINK,
    canonical_json,
    data_of,
    decode,
    encode,
    envelope,
    link,
    new_event,
    typed,
)
from ingest.domain.events import Event, FileRefused
from ingest.domain.facts import EventUnreadable

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.builds(
    Event,
    id=st.text(),
    type=st.text(),
    source=st.text(),
    subject=st.text(),
    time=st.datetimes(datetime(1, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001  # a bound carries no zone
    dataschema=st.text(),
    data=st.dictionaries(st.text(), JSON, max_size=4),
    partitionkey=st.text(),
    correlationid=st.text(),
    causationid=st.none() | st.text(),
    keyseq=st.none() | st.integers(1, 2**63 - 1),
)
REFUSED = FileRefused(
    source="acme", name="a", path="in/a", size=0, reason="symlink", message="a symlink", refused_at=NOON
)
ROOT = new_event(REFUSED, id="1", source="/ingest/acme", subject="in/a", time=NOON, partitionkey="acme/in/a")


@given(EVENTS)
def test_an_event_survives_its_bytes(event: Event) -> None:
    assert decode(encode(event), event.keyseq) == event


@given(EVENTS)
def test_an_event_has_one_form_only(event: Event) -> None:
    body = encode(event)

    assert encode(decode(body)) == body
    assert "\n" not in body
    body.encode()


@given(EVENTS, st.integers(1, 9))
def test_the_place_in_the_log_is_no_part_of_the_bytes(event: Event, keyseq: int) -> None:
    assert encode(replace(event, keyseq=keyseq)) == encode(event)
    assert envelope(replace(event, keyseq=keyseq))["keyseq"] == keyseq


@given(EVENTS, EVENTS)
def test_two_events_have_the_same_bytes_only_if_they_say_the_same(one: Event, other: Event) -> None:
    assert (encode(one) == encode(other)) == (replace(one, keyseq=1) == replace(other, keyseq=1))


@given(EVENTS)
@example(replace(ROOT, data={"a": '"data":', "data": {"b": 1}, "datacontenttype": '",', "z": [1.0]}))
@example(replace(ROOT, data={}, causationid='"data":', subject=',"datacontenttype":'))
def test_the_data_of_a_fact_are_all_of_its_data(event: Event) -> None:
    assert data_of(encode(event)) == canonical_json(event.data)


def test_keys_are_sorted_and_nothing_is_spaced_out() -> None:
    assert (
        canonical_json({"b": [1, {"d": None, "c": "é"}], "a": True})
        == '{"a":true,"b":[1,{"c":"é","d":null}]}'
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_is_never_written(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": number})


@given(st.text() | JSON.map(json.dumps))
def test_whatever_is_not_an_event_is_unreadable_and_nothing_else(body: str) -> None:
    with pytest.raises(EventUnreadable):
        decode(body)


@pytest.mark.parametrize("name", sorted(set(envelope(ROOT)) - {"datacontenttype"}))
def test_an_attribute_that_is_missing_or_of_another_type_makes_an_event_unreadable(name: str) -> None:
    whole = envelope(ROOT)
    for attributes in (
        {key: whole[key] for key in whole if key != name},
        whole | {name: 1},
        whole | {name: None},
    ):
        with pytest.raises(EventUnreadable):
            decode(json.dumps(attributes))


@pytest.mark.parametrize(
    "wrong",
    [
        {"specversion": "0.3"},
        {"time": "2026-03-01T09:30:00"},
        {"time": "9999-12-31T23:59:59-14:00"},
        {"causationid": 1},
        {"data": []},
    ],
)
def test_an_attribute_that_says_nothing_sensible_makes_an_event_unreadable(wrong: dict[str, Any]) -> None:
    with pytest.raises(EventUnreadable):
        decode(json.dumps(envelope(ROOT) | wrong))


def test_json_nested_beyond_reason_is_unreadable() -> None:
    with pytest.raises(EventUnreadable):
        decode("[" * 100_000)


def test_an_attribute_nobody_knows_is_passed_over() -> None:
    assert decode(json.dumps(envelope(ROOT) | {"traceparent": "00-…", "keyseq": 7})) == ROOT


def test_a_fact_of_a_published_type_is_read_as_its_class() -> None:
    assert typed(decode(encode(ROOT))) == REFUSED


def test_a_fact_of_a_type_that_is_not_known_here_is_handed_over_as_its_envelope() -> None:
    stranger = decode(encode(ROOT).replace("ingest.file.refused.v1", "ingest.file.refused.v9"))

    assert typed(stranger) is stranger


def test_a_root_is_the_root_of_its_own_correlation() -> None:
    assert (ROOT.correlationid, ROOT.causationid) == (ROOT.id, None)
    assert "causationid" not in envelope(ROOT)


def test_what_an_event_brought_about_names_its_cause_and_keeps_its_correlation() -> None:
    second = new_event(
        REFUSED, cause=ROOT, id="2", source="/ingest/x", subject="a", time=NOON, partitionkey="k"
    )
    third = new_event(
        REFUSED, cause=second, id="3", source="/ingest/x", subject="a", time=NOON, partitionkey="k"
    )

    assert (third.causationid, third.correlationid) == ("2", "1")


@given(st.binary(min_size=32, max_size=32), st.integers(1, 2**63 - 1), EVENTS, EVENTS)
def test_a_link_depends_on_what_came_before_on_the_place_and_on_every_byte(
    former: bytes, keyseq: int, event: Event, other: Event
) -> None:
    one = link(former, keyseq, encode(event))

    assert len(one) == len(FIRST_LINK)
    assert one != link(one, keyseq, encode(event))
    assert one != link(former, keyseq - 1, encode(event))
    assert (one == link(former, keyseq, encode(other))) == (encode(event) == encode(other))


def test_the_first_link_of_a_chain_is_for_ever_what_it_once_was() -> None:
    first = link(FIRST_LINK, 1, encode(ROOT)).hex()

    assert first == "200eb15dea5320028fe9926dd3ee248b8c4e23256a6329908bc158b3a1437202"
