"""The JSON Schema of `ingest.toml`, for editors; made from the same declarations that are read."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any, cast

from ingest.config.kinds import Key, key_of
from ingest.config.reading import is_key
from ingest.config.settings import ProcessorSettings, Settings, SourceSettings


def json_schema() -> dict[str, Any]:
    """A JSON Schema, draft 2020-12, that takes every file this release reads and no unknown key.

    What it cannot say, such as that names are unique, only reading the file tells.
    """
    document = _table(Settings)
    document["properties"] |= {
        "source": {"type": "array", "items": _table(SourceSettings)},
        "processor": {"type": "array", "items": _table(ProcessorSettings)},
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ingest.toml", **document}


def _table(cls: type[Any]) -> dict[str, Any]:
    declared = [each for each in fields(cls) if is_key(each)]
    table = {
        "type": "object",
        "description": (cls.__doc__ or "").partition("\n")[0],
        "properties": {each.name: _property(each) for each in declared},
        "additionalProperties": False,
    }
    required = [each.name for each in declared if each.default is MISSING and each.default_factory is MISSING]
    return {**table, "required": required} if required else table


def _property(declared: Field[Any]) -> dict[str, Any]:
    key = key_of(declared)
    if key is None:
        return _table(cast("type[Any]", declared.default_factory))
    says = f"{key.says} Default: {key.if_absent}." if key.if_absent else key.says
    if key.built is not None:
        says += " Built: " + ", ".join(str(key.kind.write(each)) or "empty" for each in key.built) + "."
    return {"description": says, **key.kind.schema, **_default(declared, key)}


def _default(declared: Field[Any], key: Key) -> dict[str, Any]:
    if declared.default_factory is not MISSING:
        return {"default": key.kind.write(declared.default_factory())}
    if declared.default is MISSING or declared.default is None:
        return {}
    return {"default": key.kind.write(declared.default)}
