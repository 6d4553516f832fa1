"""The published schemas describe what is written, no less and no more."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import ingest.domain
from ingest.domain import facts
from ingest.domain.events import (
    DuplicateFileReceived,
    FileExtracted,
    FileLanded,
    FileRefused,
    ReconcileCompleted,
    WatchGapDetected,
)
from tests.events.examples import FACTS, GOLDEN

SCHEMAS = Path(ingest.domain.__file__).parent / "schemas"
CLASSES = (
    FileLanded,
    FileExtracted,
    FileRefused,
    DuplicateFileReceived,
    WatchGapDetected,
    ReconcileCompleted,
)
JSON_TYPES = {
    "str": "string",
    "int": "integer",
    "datetime": "string",
    "Mapping[str, str]": "object",
    "list[str]": "array",
}


def file_of(cls: Any) -> Path:
    *_, name, number = cls.dataschema.split(":")
    return SCHEMAS / f"{name}.v{number}.json"


def schema_of(cls: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file_of(cls).read_text("utf-8"))
    return found


def validator_of(cls: Any) -> Draft202012Validator:
    return Draft202012Validator(schema_of(cls), format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_every_fact_of_the_engine_has_a_schema_and_there_is_no_other() -> None:
    own = {cls for cls in facts._FACTS.values() if cls.__module__ == "ingest.domain.events"}

    assert own == set(CLASSES)
    assert {file_of(cls) for cls in CLASSES} == set(SCHEMAS.glob("*.json"))


@pytest.mark.parametrize("cls", CLASSES)
def test_a_schema_is_valid_and_carries_the_name_that_events_give_it(cls: Any) -> None:
    schema = schema_of(cls)

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert schema["$id"] == cls.dataschema
    assert schema["title"] == cls.__name__
    assert schema["description"] == cls.__doc__


@pytest.mark.parametrize("cls", CLASSES)
def test_a_schema_has_exactly_the_fields_of_its_class(cls: Any) -> None:
    schema, fields = schema_of(cls), dataclasses.fields(cls)

    assert list(schema["properties"]) == [field.name for field in fields]
    assert schema["required"] == [field.name for field in fields if field.default is dataclasses.MISSING]


@pytest.mark.parametrize("cls", CLASSES)
def test_a_schema_gives_every_field_the_type_of_its_class(cls: Any) -> None:
    properties = schema_of(cls)["properties"]

    for field in dataclasses.fields(cls):
        plain, _, none = str(field.type).partition(" | ")
        is_nullable = none == "None" and field.default is dataclasses.MISSING
        wanted = [JSON_TYPES[plain], "null"] if is_nullable else JSON_TYPES[plain]
        assert properties[field.name]["type"] == wanted, field.name


@pytest.mark.parametrize("cls", CLASSES)
def test_a_newer_minor_may_add_a_field(cls: Any) -> None:
    assert "additionalProperties" not in schema_of(cls)


@pytest.mark.parametrize("name", FACTS)
def test_what_is_written_is_what_its_schema_describes(name: str) -> None:
    written = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))

    assert written["dataschema"] == FACTS[name].dataschema
    validator_of(type(FACTS[name])).validate(written["data"])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("ingest.file.landed.v1.0", {"size": -1}),
        ("ingest.file.landed.v1.0", {"size": 1.5}),
        ("ingest.file.landed.v1.0", {"version": 0}),
        ("ingest.file.landed.v1.0", {"sha256": "E3B0"}),
        ("ingest.file.landed.v1.0", {"content": "/tmp/a"}),
        ("ingest.file.landed.v1.0", {"fields": {"a": 1}}),
        ("ingest.file.landed.v1.0", {"name": ""}),
        ("ingest.file.landed.v1.0", {"encoding": None}),
        ("ingest.file.extracted.v1.0", {"container": ""}),
        ("ingest.file.extracted.v1.0", {"member": "a.csv"}),
        ("ingest.file.extracted.v1.0", {"member": [""]}),
        ("ingest.file.refused.v1.0", {"reason": ""}),
        ("ingest.file.refused.v1.0", {"size": "0"}),
        ("ingest.file.duplicate_received.v1.0", {"size": 0}),
        ("ingest.file.duplicate_received.v1.0", {"duplicateof": None}),
        ("ingest.watch.gap_detected.v1.0", {"number": 0}),
        ("ingest.watch.reconcile_completed.v1.0", {"gap": "1"}),
    ],
)
def test_what_is_never_written_is_refused_by_the_schema(name: str, wrong: dict[str, Any]) -> None:
    data = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))["data"]
    validator = validator_of(type(FACTS[name]))

    assert validator.is_valid(data)
    assert not validator.is_valid(data | wrong)
