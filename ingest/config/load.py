"""From `ingest.toml`, the environment and the flags to `Settings`.

Nothing is ignored: a key nobody knows, a value that is not built yet and a
misspelt environment variable are each refused by name, before anything is done.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from ingest.config.contradictions import refuse_contradictions
from ingest.config.places import anchored
from ingest.config.reading import (
    ENVIRONMENT_PREFIX,
    Layers,
    environment_name,
    is_key,
    read_values,
    refuse_unknown,
)
from ingest.config.settings import (
    EventSettings,
    ProcessorSettings,
    Settings,
    SourceSettings,
    StoreSettings,
    WorkSettings,
)
from ingest.domain.nearest import closest
from ingest.domain.showing import show
from ingest.errors import UsageError

FILE_NAME = "ingest.toml"
FILE_VARIABLE = "INGEST_CONFIG"

_SECTIONS: Mapping[str, type[Any]] = {"store": StoreSettings, "event": EventSettings, "work": WorkSettings}
_LISTS: Mapping[str, type[Any]] = {"source": SourceSettings, "processor": ProcessorSettings}
_TOP = ("version", *_SECTIONS)

T = TypeVar("T", SourceSettings, ProcessorSettings)


def load(
    path: Path | None = None,
    *,
    env: Mapping[str, str],
    flags: Mapping[str, object] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """The settings that hold, from the file at `path` or the one that `find_file` finds.

    `flags` maps dotted keys (`work.concurrency`; `source.quiet` for every
    source) to values as the file would have them; None means not given.
    Raises `UsageError`, one line, for anything that cannot be obeyed.
    """
    file = find_file(path, env=env, cwd=cwd)
    document = _parsed(file)
    layers = Layers(
        file=file.name,
        flags=_known_flags(flags or {}),
        environ=_settings_in(env),
    )
    settings = anchored(_read(document, file, layers), file.parent, env)
    refuse_contradictions(settings)
    return settings


def find_file(path: Path | None = None, *, env: Mapping[str, str], cwd: Path | None = None) -> Path:
    """The configuration: `path`, else what `INGEST_CONFIG` names, else the nearest in `cwd` or above it."""
    start = (cwd or Path.cwd()).absolute()
    named = path or (Path(env[FILE_VARIABLE]) if env.get(FILE_VARIABLE) else None)
    if named is not None:
        return Path(os.path.normpath(start / named))
    for directory in (start, *start.parents):
        if (directory / FILE_NAME).is_file():
            return directory / FILE_NAME
    raise UsageError(
        f"there is no {FILE_NAME} in {show(os.fsencode(start))} or above it",
        hint="run `ingest init`, or name one with -C FILE",
    )


def _parsed(file: Path) -> dict[str, object]:
    name = show(os.fsencode(file))
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise UsageError(f"{name} cannot be read: {reason}", hint="name another with -C FILE") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 at byte {error.start}", hint="save it as UTF-8") from error
    except ValueError as error:  # what tomllib raises, and what Python says of a number of 5,000 digits
        raise UsageError(
            f"{name} is not TOML: {error}", hint="correct it; `ingest config check` reads it again"
        ) from error


def _read(document: Mapping[str, object], file: Path, layers: Layers) -> Settings:
    refuse_unknown(document, (*_TOP, *_LISTS), "", layers)
    top = {name: value for name, value in document.items() if name not in _LISTS}
    return Settings(
        **read_values(Settings, top, section="", shown="", layers=layers),
        file=file,
        sources=_each(SourceSettings, document.get("source", []), "source", layers),
        processors=_each(ProcessorSettings, document.get("processor", []), "processor", layers),
        origins=layers.origins,
    )


def _each(cls: type[T], tables: object, section: str, layers: Layers) -> tuple[T, ...]:
    if not isinstance(tables, list):
        raise UsageError(
            f"{layers.file}: {section} is not a list of tables", hint=f"write each as [[{section}]]"
        )
    read: list[T] = []
    for number, table in enumerate(tables, start=1):
        name = table.get("name") if isinstance(table, Mapping) else None
        shown = f"{section}.{show(name) if isinstance(name, str) and name else number}"
        if any(each.name == name for each in read):
            raise UsageError(
                f"{layers.file}: two of [[{section}]] are called {name}", hint="give each its own name"
            )
        read.append(cls(**read_values(cls, table, section=section, shown=shown, layers=layers)))
    return tuple(read)


def _known_flags(flags: Mapping[str, object]) -> dict[str, object]:
    given = {key: value for key, value in flags.items() if value is not None}
    unknown = given.keys() - {*_keys(_SECTIONS), *_keys(_LISTS)}
    if unknown:
        raise UsageError(
            f"{min(unknown)} is not a setting",
            hint=f"did you mean {closest(min(unknown), _keys(_SECTIONS))}?",
        )
    return given


def _settings_in(env: Mapping[str, str]) -> dict[str, str]:
    """What the environment sets, by dotted key; a misspelt name, which would do nothing, is refused."""
    keys = {environment_name(key): key for key in _keys(_SECTIONS)}
    given = {}
    for name, value in env.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or "__" not in name:
            continue
        if name.startswith(tuple(f"{environment_name(section)}__" for section in _LISTS)):
            raise UsageError(
                f"{name}: no source or processor can be set by the environment", hint="write it in the file"
            )
        if name not in keys:
            raise UsageError(
                f"{name} in the environment is not a setting", hint=f"did you mean {closest(name, keys)}?"
            )
        given[keys[name]] = value
    return given


def _keys(sections: Mapping[str, type[Any]]) -> list[str]:
    return [f"{name}.{each.name}" for name, cls in sections.items() for each in fields(cls) if is_key(each)]
