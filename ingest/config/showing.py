"""The settings as the file would write them: for `config show`, for comparison, for the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from ingest.config.kinds import key_of
from ingest.config.masking import mask
from ingest.config.reading import is_key
from ingest.config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One key: its value as the file would write it, or what holds instead, and where it came from."""

    key: str
    value: Any  # whatever JSON holds
    origin: str  # flag | env | file | default


def describe(settings: Settings) -> tuple[Shown, ...]:
    """Every key with its value and its origin, secrets masked, in the order of the file's documentation."""
    return tuple(
        Shown(key=key, value=mask(key, value), origin=settings.origins.get(key, "default"))
        for key, value in _all_keys(settings)
    )


def exposed(settings: Settings) -> tuple[str, ...]:
    """The keys of the secrets that stand in the file, where others than its owner may read it; else none."""
    if settings.file.stat().st_mode & 0o077 == 0:
        return ()
    return tuple(
        key
        for key, value in _all_keys(settings)
        if settings.origins.get(key) == "file" and mask(key, value) != value
    )


def written(section: Any) -> dict[str, Any]:
    """One settings class as the file would write it: plain JSON values, nothing masked, defaults included."""
    values = {}
    for declared in fields(section):
        value, key = getattr(section, declared.name), key_of(declared)
        if key is not None:
            values[declared.name] = None if value is None else key.kind.write(value)
        elif is_key(declared):
            values[declared.name] = written(value)
    return values


def _all_keys(settings: Settings) -> Iterator[tuple[str, Any]]:
    yield "version", settings.version
    yield from _flat(settings.store, "store.")
    yield from _flat(settings.event, "event.")
    for source in settings.sources:
        yield from _flat(source, f"source.{source.name}.")
    yield from _flat(settings.work, "work.")
    for processor in settings.processors:
        yield from _flat(processor, f"processor.{processor.name}.")


def _flat(section: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for declared in fields(section):
        value, key = getattr(section, declared.name), key_of(declared)
        if key is None:
            yield from _flat(value, f"{prefix}{declared.name}.")
        else:
            yield f"{prefix}{declared.name}", key.if_absent if value is None else key.kind.write(value)
