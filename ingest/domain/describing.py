"""Fact classes and the JSON Schemas that describe them: written from a class, and held against one.

A schema may say more than its class (a pattern, a minimum, a description), never
anything else. A released schema is compared with the next minor as a whole:
optional fields may be added, and nothing that was said may change.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args, get_origin

from ingest.domain.facts import Field, fields_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_WORDS = frozenset({"$id", "title", "description", "properties"})  # of a schema, besides what it demands
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    Decimal: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
}


def schema_of(cls: Any) -> dict[str, Any]:
    """The JSON Schema of a fact class, as much of it as the class says."""
    fields = fields_of(cls)
    return {
        "$schema": DIALECT,
        "$id": cls.dataschema,
        "title": cls.__name__,
        "description": inspect.getdoc(cls) or "",
        "type": "object",
        "required": [field.name for field in fields if not field.is_omitted],
        "properties": {field.name: _property(field) for field in fields},
    }


def disagreements(cls: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Each way in which a schema says something else than the class whose data it describes."""
    wanted = schema_of(cls)
    if schema.get("$id") != wanted["$id"]:
        yield f"its $id is {schema.get('$id')!r}, not {wanted['$id']!r}"
    properties, required = _properties(schema), _required(schema)
    for name, described in wanted["properties"].items():
        if name not in properties:
            yield f"it lacks the field {name!r} of {cls.__name__}"
        elif _type(properties[name]) != _type(described):
            yield f"its field {name!r} is not of the type {described['type']} that {cls.__name__} has"
        elif (name in wanted["required"]) != (name in required):
            is_needed = name in wanted["required"]
            yield f"its field {name!r} is {'not ' if is_needed else ''}required, in {cls.__name__} it is" + (
                "" if is_needed else " not"
            )
    yield from (
        f"its field {name!r} is not in {cls.__name__}"
        for name in properties
        if name not in wanted["properties"]
    )


def breaks(former: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Each way in which a minor does more than add optional fields to the former minor."""
    for name, described in _properties(former).items():
        if name not in _properties(schema):
            yield f"the field {name!r} is gone"
        elif _demands(_properties(schema)[name]) != _demands(described):
            yield f"the field {name!r} is described otherwise"
    for name in sorted(_required(schema) - _required(former)):
        yield f"the field {name!r} is required"
    for name in sorted(_required(former) - _required(schema)):
        yield f"the field {name!r} is no longer required"
    words = (former.keys() | schema.keys()) - _WORDS - {"required"}
    yield from (
        f"{word!r} is not what it was" for word in sorted(words) if former.get(word) != schema.get(word)
    )


def _property(field: Field) -> dict[str, Any]:
    described = _described(field.type)
    is_null = field.is_optional and not field.is_omitted
    return {**described, "type": [described["type"], "null"]} if is_null else described


def _described(type_: Any) -> dict[str, Any]:
    if get_origin(type_) is list:
        return {"type": "array", "items": _described(get_args(type_)[0])}
    return dict(_PLAIN.get(type_, {"type": "object", "additionalProperties": {"type": "string"}}))


def _type(described: Any) -> Any:
    """The type of a field, with that of its items; words in a list in one order."""
    found = described.get("type") if isinstance(described, dict) else None
    items = _type(described["items"]) if isinstance(described, dict) and "items" in described else None
    return (sorted(map(str, found)) if isinstance(found, list) else [found]), items


def _demands(described: Any) -> Any:
    return (
        {word: value for word, value in described.items() if word not in ("description", "title")}
        if isinstance(described, dict)
        else described
    )


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _required(schema: Mapping[str, Any]) -> frozenset[str]:
    found = schema.get("required")
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()
