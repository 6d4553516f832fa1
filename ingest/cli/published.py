"""The published facts as a project knows them: classes, schemas, and what stands of them in the log."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest import registry, resources, schemas
from ingest.cli import wiring
from ingest.cli.given import Given
from ingest.cli.words import so_many
from ingest.config import Settings, find_file
from ingest.domain.codec import decode, typed
from ingest.domain.describing import schema_of
from ingest.domain.nearest import suggestion
from ingest.domain.upcast import accepted_version, as_accepted, newest_version
from ingest.domain.versions import concerns
from ingest.errors import (
    NotFound,
    PermanentError,
    StoreMissing,
    StoreUnusable,
    Unreachable,
    UsageError,
    VerificationFailed,
)
from ingest.schemas import Published
from ingest.store.engine import Store
from ingest.store.opening import open_store
from ingest.store.reading import census, roster

_MOST = 20  # unreadable events that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is published here, and what could not be looked at."""

    settings: Settings | None
    local: Path
    classes: Sequence[Any]
    refused: Sequence[UsageError]

    @property
    def own(self) -> list[Any]:
        """The classes that are declared in the user's folder."""
        return [cls for cls in self.classes if self.origin(cls) == "local"]

    def origin(self, cls: Any) -> str:
        """Who declares it: engine | local | bundled | the name of a package."""
        file = Path(str(sys.modules[cls.__module__].__file__)).resolve()
        if cls.__module__.startswith("ingest."):
            return "engine"
        if file.is_relative_to(self.local.resolve()):
            return "local"
        is_bundled = file.is_relative_to(resources.processors_dir().resolve())
        return "bundled" if is_bundled else str(cls.__module__.partition(".")[0])

    def versions(self) -> Iterator[tuple[str, Published]]:
        """Every version that lies in a folder of schemas, and where it comes from."""
        origins = {schemas.folder_of(cls): self.origin(cls) for cls in self.classes}
        for folder, origin in origins.items():
            yield from ((origin, each) for each in schemas.published(folder))

    def store(self) -> Store | None:
        """The store as it stands, where there is one."""
        if self.settings is None:
            return None
        try:
            return open_store(self.settings.store.url, self.settings.store.local)
        except StoreMissing:
            return None


def known(given: Given, processors: Path | None) -> Known:
    """What is published here; without an ingest.toml, beside the processors of the working directory."""
    held = wiring.settings(given) if _is_configured(given) else None
    here = (processors or Path("processors")).absolute()
    local = here if held is None else wiring.processors_dir(held, processors)
    uses = [] if held is None else [each.use for each in held.processors]
    classes, refused = registry.find_facts(uses, local=local)
    return Known(settings=held, local=local, classes=classes, refused=refused)


def listed(found: Known) -> Iterator[dict[str, Any]]:
    """Every version of every schema, and every class that has none."""
    counts = _counts(found)
    described = set()
    for origin, each in sorted(found.versions(), key=lambda pair: pair[1]):
        described.add(each.urn)
        yield _line(
            each.type, f"{each.major}.{each.minor}", each.schema.get("title"), origin, _state(each), counts
        )
    for cls in found.classes:
        if cls.dataschema not in described:
            version = str(cls.dataschema).rpartition(":")[2]
            yield _line(cls.type, version, cls.__name__, found.origin(cls), "missing", counts)


def document(found: Known, name: str) -> dict[str, Any]:
    """The schema that `name` names: a type, a URN, the name of a file, or a name without a version.

    Where a class has none yet, what the class says. Raises `NotFound` with the nearest name.
    """
    versions = [each for _, each in sorted(found.versions(), key=lambda pair: pair[1])]
    by_name: dict[str, dict[str, Any]] = {}
    for cls in found.classes:
        by_name |= dict.fromkeys((cls.type.rpartition(".v")[0], cls.type, cls.dataschema), schema_of(cls))
    for each in versions:  # the last of several is the newest
        by_name |= dict.fromkeys((each.name, each.type, each.urn, each.path.stem), each.schema)
    if name in by_name:
        return by_name[name]
    hint = suggestion(name, by_name, otherwise="see `ingest schema list`")
    raise NotFound(f"no schema {name!r} is known here", hint=hint)


def problems(found: Known) -> list[str]:
    """What is wrong with the schemas, the upcasters, and the subscriptions that need them."""
    said = [f"{error.message} ({error.hint})" if error.hint else error.message for error in found.refused]
    said += schemas.problems(found.classes)
    said += unstated(found)
    store = found.store()
    if store is not None:
        with store, store.read() as tx:
            counts, subscribed = census.counted(tx), roster.everyone(tx)
        said += _unknown(found, counts)
        said += [what for each in subscribed for what in _unread(each.name, frozenset(each.accepts), counts)]
    return said


def unstated(found: Known) -> list[str]:
    """What processors accept by ingest.toml and nobody states: they wait for ever, and nothing else says so.

    The log may tell of more that is stated, where there is one that can be read.
    """
    types = {cls.type for cls in found.classes} | {each.type for _, each in found.versions()}
    with suppress(StoreUnusable, Unreachable):
        types |= _counts(found).keys()
    families = {type_.rpartition(".v")[0] for type_ in types}
    processors = () if found.settings is None else found.settings.processors
    return [
        f"processor {processor.name} accepts {type_}, which nobody here states: "
        + suggestion(type_, types, otherwise="see `ingest schema list`")
        for processor in processors
        for type_ in processor.accepts
        if type_.rpartition(".v")[0] not in families
    ]


def unreadable(found: Known) -> tuple[int, list[str]]:
    """How many events were read in a version that has a class, and the first of those that cannot be."""
    store = found.store()
    if store is None:
        return 0, []
    types = frozenset(cls.type for cls in found.classes)
    said: list[str] = []
    count = 0
    with store:
        for position, body in census.bodies(store):
            count += 1
            try:
                typed(as_accepted(decode(body), types))
            except PermanentError as error:
                said.append(f"the event at position {position} cannot be read: {error.message}")
                if len(said) == _MOST:
                    break
    return count, said


def refuse(said: Sequence[str]) -> None:
    """Raise `VerificationFailed` where events cannot be read."""
    if said:
        raise VerificationFailed(
            f"{so_many(len(said), 'event')} cannot be read",
            hint="declare what is missing, or restore the store",
        )


def chosen(found: Known, types: Sequence[str]) -> list[Any]:
    """The user's own classes that are named; where none is, those that have no schema yet."""
    if types:
        return [schemas.class_named(type_, found.own) for type_ in types]
    described = {each.urn for _, each in found.versions()}
    return [cls for cls in found.own if cls.dataschema not in described]


def _is_configured(given: Given) -> bool:
    if given.config:
        return True
    try:
        find_file(env=os.environ)
    except UsageError:
        return False
    return True


def _counts(found: Known) -> Mapping[str, int]:
    store = found.store()
    if store is None:
        return {}
    with store, store.read() as tx:
        return census.counted(tx)


def _line(
    type_: str, version: str, title: Any, origin: str, state: str, counts: Mapping[str, int]
) -> dict[str, Any]:
    last = newest_version(type_)
    return {
        "type": type_,
        "version": version,
        "title": title,
        "origin": origin,
        "state": state,
        "events": counts.get(type_, 0),
        "upcast_to": None if last == type_ else last,
    }


def _state(each: Published) -> str:
    digest = schemas.released(each.path.parent).get(each.path.name)
    if digest is None:
        return "draft"
    return "frozen" if digest == each.digest else "changed"


def _unknown(found: Known, counts: Mapping[str, int]) -> Iterator[str]:
    types = {cls.type for cls in found.classes} | {each.type for _, each in found.versions()}
    for type_, count in counts.items():
        if type_ not in types:
            yield f"the log holds {so_many(count, 'event')} of type {type_}, whose schema is not known here"


def _unread(processor: str, accepts: frozenset[str], counts: Mapping[str, int]) -> Iterator[str]:
    for type_, count in counts.items():
        if concerns(accepts, type_):
            try:
                accepted_version(type_, accepts)
            except PermanentError as error:
                what = error.message.rpartition(": ")[2]
                yield f"processor {processor} cannot read {so_many(count, 'event')} of type {type_}: {what}"
