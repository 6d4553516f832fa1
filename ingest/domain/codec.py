"""Event <-> canonical CloudEvents 1.0 JSON, and the hash chain over it.

Canonical: one line of UTF-8, keys sorted, no spaces, no `keyseq` (a place in
the log is not part of the fact, and the bytes can be prepared before it is known).
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from types import NoneType
from typing import Any

from ingest.domain.events import Event
from ingest.domain.facts import EventUnreadable, class_of, from_data, to_data
from ingest.domain.instants import parse_rfc3339, rfc3339

_TEXTS = ("id", "type", "source", "subject", "time", "dataschema", "partitionkey", "correlationid")
_NOT_OURS = "a stored event is not a CloudEvents 1.0 JSON object of ours"
_canonical = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
).encode

FIRST_LINK = bytes(32)  # the hash that stands before the first event of a partition key


def envelope(event: Event) -> dict[str, Any]:
    """The event as a CloudEvents 1.0 JSON object, with `keyseq` when it has one."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": rfc3339(event.time),
        "datacontenttype": "application/json",
        "dataschema": event.dataschema,
        "data": event.data,
        "partitionkey": event.partitionkey,
        "correlationid": event.correlationid,
    }
    if event.causationid is not None:
        attributes["causationid"] = event.causationid
    if event.keyseq is not None:
        attributes["keyseq"] = event.keyseq
    return attributes


def encode(event: Event) -> str:
    """The canonical JSON of `event`, which leaves `keyseq` out."""
    attributes = envelope(event)
    attributes.pop("keyseq", None)
    return _canonical(attributes)


def decode(body: str, keyseq: int | None = None) -> Event:
    """The event that `encode` wrote, at its place `keyseq`.

    Raises `EventUnreadable` when `body` is not a CloudEvents 1.0 JSON object of ours.
    """
    try:
        found = json.loads(body)
        values = {name: found[name] for name in _TEXTS}
        values["time"] = parse_rfc3339(values["time"])
        data, cause = found["data"], found.get("causationid")
        is_ours = found["specversion"] == "1.0" and isinstance(data, dict)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EventUnreadable(_NOT_OURS) from error
    if (
        not is_ours
        or not all(type(found[name]) is str for name in _TEXTS)
        or type(cause) not in (str, NoneType)
    ):
        raise EventUnreadable(_NOT_OURS)
    return Event(**values, data=data, causationid=cause, keyseq=keyseq)


def typed(event: Event) -> Any:
    """The event's data as its published class, or the event itself where the class is not known here."""
    cls = class_of(event.type)
    return event if cls is None else from_data(cls, event.data)


def link(former: bytes, keyseq: int, body: str) -> bytes:
    """The hash of an event in the chain of its key: over the former hash, its place and its bytes."""
    return hashlib.sha256(former + keyseq.to_bytes(8, "big") + body.encode()).digest()


def new_event(  # noqa: PLR0913  # the attributes of an envelope are its arguments
    data: Any,
    *,
    id: str,  # noqa: A002  # CloudEvents' word
    source: str,
    subject: str,
    time: datetime,
    partitionkey: str,
    cause: Event | None = None,
) -> Event:
    """The event that states the fact `data`: of the correlation of its cause, or the root of its own."""
    return Event(
        id=id,
        type=data.type,
        source=source,
        subject=subject,
        time=time,
        dataschema=data.dataschema,
        data=to_data(data),
        partitionkey=partitionkey,
        correlationid=id if cause is None else cause.correlationid,
        causationid=None if cause is None else cause.id,
    )


def data_of(body: str) -> str:
    """The data of a fact as `encode` wrote them into `body`, canonical JSON."""
    # A quotation mark within a text is escaped: of the envelope's own names nothing else reads the same, but
    # the name of a field within the data may.
    return body.partition('"data":')[2].rpartition(',"datacontenttype":')[0]


def canonical_json(value: Mapping[str, Any] | list[Any]) -> str:
    """Any JSON value in the one form that is compared and hashed."""
    return _canonical(value)


def loads(text: str) -> Any:
    """The value that `canonical_json` wrote."""
    return json.loads(text)
