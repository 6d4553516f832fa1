"""The canonical bytes of a fact, composed at once.

The result is what `codec.encode` makes of the same event, character for
character, at a quarter of the cost: the keys of a class are sorted and quoted
once, and nothing is built on the way. For those who write facts by the thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from ingest.domain.codec import canonical_json
from ingest.domain.facts import Field, fields_of
from ingest.domain.instants import rfc3339

_PARTS: dict[type, list[_Part]] = {}
_time = lru_cache(maxsize=64)(rfc3339)  # a batch has one time


class _Part(NamedTuple):
    """One field as it is written."""

    key: str  # `"name":`
    name: str
    write: Callable[[Any], str]
    is_omitted: bool  # while None


def compose(  # noqa: PLR0913  # the attributes of an envelope are its arguments
    data: Any,
    *,
    id: str,  # noqa: A002  # CloudEvents' word
    source: str,
    subject: str,
    time: datetime,
    partitionkey: str,
    cause: str | None = None,
    correlation: str | None = None,
) -> str:
    """The canonical JSON of the event that states the fact `data`, without `keyseq`.

    `cause` is the id of the fact that brought it about, `correlation` that of
    the fact at the root; a fact without a cause is the root itself.
    """
    caused = "" if cause is None else f'"causationid":{quoted(cause)},'
    root = id if correlation is None else correlation
    return (
        f'{{{caused}"correlationid":{quoted(root)},"data":{_data(data)},'
        f'"datacontenttype":"application/json","dataschema":{quoted(data.dataschema)},"id":{quoted(id)},'
        f'"partitionkey":{quoted(partitionkey)},"source":{quoted(source)},"specversion":"1.0",'
        f'"subject":{quoted(subject)},"time":"{_time(time)}","type":{quoted(data.type)}}}'
    )


def _data(instance: object) -> str:
    written = []
    parts = _PARTS.get(type(instance)) or _parts(type(instance))
    for key, name, write, is_omitted in parts:
        value = getattr(instance, name)
        if value is not None:
            written.append(key + write(value))
        elif not is_omitted:
            written.append(key + "null")
    return f"{{{','.join(written)}}}"


def _parts(cls: type) -> list[_Part]:
    parts = [_Part(f"{quoted(f.name)}:", f.name, _writer(f), f.is_omitted) for f in fields_of(cls)]
    _PARTS[cls] = sorted(parts)
    return _PARTS[cls]


def _writer(field: Field) -> Callable[[Any], str]:
    """What writes the values of `field` as JSON; as strict about their type as `Field.encode`."""
    if field.type is datetime:
        return lambda value: f'"{_time(value)}"'

    def write(value: Any) -> str:
        encoded = field.encode(value)
        if encoded.__class__ is str:
            return quoted(encoded)
        return "{}" if encoded == {} else canonical_json(encoded)

    def write_text(value: Any) -> str:
        return quoted(value) if value.__class__ is str else write(value)

    def write_number(value: Any) -> str:
        return str(value) if value.__class__ is int else write(value)

    return {str: write_text, int: write_number}.get(field.type, write)
