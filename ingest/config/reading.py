"""From a table of the file, the environment and the flags to one checked dataclass.

For each key the strongest layer that gives it wins: flag, environment, file,
default. Where it came from is recorded. Every refusal is one line that names
the key as the user wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, cast

from ingest.config.kinds import Key, NotBuilt, key_of
from ingest.config.masking import mask
from ingest.domain.nearest import closest
from ingest.domain.showing import show
from ingest.errors import UsageError

ENVIRONMENT_PREFIX = "INGEST_"
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What stands above the file, and the record of who gave what.

    `flags` and `environ` are keyed by section and key, such as `work.lease`;
    a flag of `source` or `processor` holds for each of them.
    """

    file: str
    flags: Mapping[str, object]
    environ: Mapping[str, str]
    origins: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value before it is read: which key it is for, from which layer, and how the user knows that place."""

    key: str
    value: object
    origin: str
    place: str


def environment_name(key: str) -> str:
    """`work.lease` is `INGEST_WORK__LEASE`."""
    return ENVIRONMENT_PREFIX + key.replace(".", "__").upper()


def read_values(cls: type[Any], table: object, *, section: str, shown: str, layers: Layers) -> dict[str, Any]:
    """The keys that the dataclass `cls` declares, read from one table of the file and the layers above it.

    `section` is what flags and the environment call it, `shown` what messages
    and origins call it; they differ for one of many, as `source` and `source.acme`.
    """
    given = _table(table, shown, layers)
    declared = {each.name: each for each in fields(cls) if is_key(each)}
    refuse_unknown(given, declared, shown, layers)
    return {
        name: _read_field(each, given.get(name, MISSING), section=section, shown=shown, layers=layers)
        for name, each in declared.items()
    }


def refuse_unknown(given: Iterable[str], known: Iterable[str], shown: str, layers: Layers) -> None:
    """Raises `UsageError` for the first given key that is not known, naming the nearest that is."""
    for name in given:
        if name not in known:
            raise UsageError(
                f"{layers.file}: {_join(shown, show(name))} is not a known key",
                hint=f"did you mean {_join(shown, closest(name, known))}?",
            )


def _read_field(declared: Field[Any], value: object, *, section: str, shown: str, layers: Layers) -> Any:
    key = key_of(declared)
    if key is None:
        cls = cast("type[Any]", declared.default_factory)
        nested = {"section": _join(section, declared.name), "shown": _join(shown, declared.name)}
        return cls(**read_values(cls, {} if value is MISSING else value, layers=layers, **nested))
    given = _strongest(declared, key, value, section=section, shown=shown, layers=layers)
    if given is None:
        layers.origins[_join(shown, declared.name)] = "default"
        return _default(declared, shown, layers)
    layers.origins[given.key] = given.origin
    return _read(key, given)


def _strongest(
    declared: Field[Any], key: Key, value: object, *, section: str, shown: str, layers: Layers
) -> Given | None:
    """The value of the strongest layer that gives one, or None: the default holds."""
    name, known_as = _join(section, declared.name), _join(shown, declared.name)
    if name in layers.flags:
        return Given(key=known_as, value=layers.flags[name], origin="flag", place=f"flag: {known_as}")
    if name in layers.environ:
        from_text = key.kind.from_text(layers.environ[name])
        return Given(key=known_as, value=from_text, origin="env", place=environment_name(name))
    if value is MISSING:
        return None
    return Given(key=known_as, value=value, origin="file", place=f"{layers.file}: {known_as}")


def _read(key: Key, given: Given) -> Any:
    try:
        value = key.kind.read(given.value)
    except NotBuilt as error:
        raise UsageError(
            f"{given.place} = {_shown(given)} is not built yet", hint=f"what is built: {error}"
        ) from error
    except ValueError as error:
        hint = f"write {key.kind.wants}"
        raise UsageError(f"{given.place} = {_shown(given)} is refused: {error}", hint=hint) from error
    if key.built is not None and value not in key.built:
        built = " or ".join(json.dumps(key.kind.write(each)) for each in key.built)
        raise UsageError(f"{given.place} = {_shown(given)} is not built yet", hint=f"what is built: {built}")
    return value


def _default(declared: Field[Any], shown: str, layers: Layers) -> Any:
    if declared.default_factory is not MISSING:
        return declared.default_factory()
    if declared.default is MISSING:
        raise UsageError(
            f"{layers.file}: {_join(shown, declared.name)} is missing", hint="it has no default: write it"
        )
    return declared.default


def _table(table: object, shown: str, layers: Layers) -> Mapping[str, object]:
    if not isinstance(table, Mapping):
        raise UsageError(
            f"{layers.file}: {shown} is not a table", hint=f"write it as [{shown}], with its keys below"
        )
    return table


def _shown(given: Given) -> str:
    try:
        text = json.dumps(mask(given.key, given.value), ensure_ascii=False)
    except (TypeError, ValueError):  # a date, or another value that only TOML knows
        text = str(given.value)
    text = text if text.isprintable() else show(text)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def is_key(declared: Field[Any]) -> bool:
    """Whether a field of a settings class is a key of the file, or a table of keys."""
    factory = declared.default_factory
    return key_of(declared) is not None or (isinstance(factory, type) and is_dataclass(factory))


def _join(section: str, name: str) -> str:
    return f"{section}.{name}" if section else name
