"""The published schemas: files in a folder `schemas` beside the module that declares their facts.

`<type name>.v<major>.<minor>.json` is the JSON Schema of one version. A version
that is released stands in the file `RELEASED` beside it with the SHA-256 of its
bytes, in the format of `sha256sum`, and is never changed again.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ingest.domain.describing import breaks, disagreements, schema_of
from ingest.domain.showing import show
from ingest.domain.upcast import missing_step
from ingest.errors import CannotWrite, NotFound

FOLDER = "schemas"
RELEASED = "RELEASED"
_FILE = re.compile(r"(?P<name>.+)\.v(?P<major>[0-9]{1,9})\.(?P<minor>[0-9]{1,9})\.json", re.ASCII)
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\n]+)")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Published:
    """One version of a schema, as it lies in its folder."""

    name: str
    major: int
    minor: int
    path: Path
    text: bytes

    @property
    def type(self) -> str:
        """The event type whose data it describes."""
        return f"{self.name}.v{self.major}"

    @property
    def urn(self) -> str:
        """As events name it."""
        return f"urn:ingest:schema:{self.name}:{self.major}.{self.minor}"

    @property
    def digest(self) -> str:
        """Hex SHA-256 of its bytes."""
        return hashlib.sha256(self.text).hexdigest()

    @property
    def schema(self) -> dict[str, Any]:
        """The schema itself; empty where the file holds none."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def folder_of(cls: type) -> Path:
    """Where the schemas of this fact class lie."""
    return Path(str(sys.modules[cls.__module__].__file__)).parent / FOLDER


def published(folder: Path) -> list[Published]:
    """Every version that lies in `folder`, in order."""
    found = ((file, _FILE.fullmatch(file.name)) for file in folder.glob("*.json"))
    return sorted(
        Published(
            name=match["name"],
            major=int(match["major"]),
            minor=int(match["minor"]),
            path=file,
            text=file.read_bytes(),
        )
        for file, match in found
        if match is not None
    )


def released(folder: Path) -> dict[str, str]:
    """The digest of each file of `folder` that is released, by its name."""
    try:
        lines = (folder / RELEASED).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {match[2]: match[1] for match in map(_LINE.fullmatch, lines) if match is not None}


def problems(classes: Sequence[Any]) -> list[str]:
    """What is wrong with the schemas of these fact classes, and with all that lies beside them."""
    folders = {
        folder_of(cls): [each for each in classes if folder_of(each) == folder_of(cls)] for cls in classes
    }
    found: list[str] = []
    for folder, own in folders.items():
        found += _of_released(folder)
        found += _of_versions(published(folder))
        found += _of_classes(own, published(folder))
    return found


def draft(cls: Any) -> Path:
    """The schema of the class lies in its folder, as much of it as the class says; where it lies.

    Raises `CannotWrite` where there is one already, or none can be written.
    """
    folder = folder_of(cls)
    path = folder / f"{_version_of(cls)}.json"
    text = json.dumps(schema_of(cls), indent=2, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CannotWrite(f"cannot write {show(str(path))}: {error.strerror}") from error
    return path


def release(folder: Path) -> list[Path]:
    """Every version that lies in `folder` is frozen; those that were not before.

    One that was changed since it was released stays as released: `problems` says so.
    """
    known = released(folder)
    new = [each for each in published(folder) if each.path.name not in known]
    text = "".join(f"{each.digest}  {each.path.name}\n" for each in new)
    try:
        if new:
            with (folder / RELEASED).open("a", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise CannotWrite(f"cannot write {show(str(folder / RELEASED))}: {error.strerror}") from error
    return [each.path for each in new]


def class_named(type_: str, classes: Sequence[Any]) -> Any:
    """The class that is published as `type_`; raises `NotFound` where none is."""
    for cls in classes:
        if cls.type == type_:
            return cls
    raise NotFound(f"no fact {type_!r} is declared here", hint="see `ingest schema list`")


def _of_released(folder: Path) -> Iterator[str]:
    for name, digest in released(folder).items():
        path = folder / name
        if not path.is_file():
            yield f"{_shown(path)} is released, and missing: put it back"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"{_shown(path)} is released, and was changed: put it back, and publish the next version"


def _of_versions(found: Sequence[Published]) -> Iterator[str]:
    for each in found:
        if not each.schema:
            yield f"{_shown(each.path)} holds no JSON object"
        elif each.schema.get("$id") != each.urn:
            yield f"{_shown(each.path)} says it is {each.schema.get('$id')!r}, not {each.urn!r}"
    for former, each in pairwise(found):
        if former.type == each.type:
            yield from _of_minor(former, each)
        elif former.name == each.name:
            missing = missing_step(each.name, former.major, each.major)
            if missing is not None:
                yield (
                    f"no upcaster leads from {each.name}.v{missing[0]} to v{missing[1]}:"
                    f' declare `@upcast("{each.name}", to={missing[1]})`'
                )


def _of_minor(former: Published, each: Published) -> Iterator[str]:
    if each.minor != former.minor + 1:
        yield f"{_shown(each.path)} follows {former.major}.{former.minor}: a version between them is missing"
    if former.schema and each.schema:
        yield from (
            f"{_shown(each.path)} does more than add optional fields: {what}; publish the next major instead"
            for what in breaks(former.schema, each.schema)
        )


def _of_classes(classes: Sequence[Any], found: Sequence[Published]) -> Iterator[str]:
    by_urn = {each.urn: each for each in found}
    for cls in classes:
        described = by_urn.get(cls.dataschema)
        if described is None:
            yield f"{cls.dataschema} has no schema: run `ingest schema draft {cls.type}`"
            continue
        if described.schema:
            yield from (f"{_shown(described.path)}: {what}" for what in disagreements(cls, described.schema))
        newest = max(each.minor for each in found if each.type == cls.type)
        if described.minor < newest:
            yield f"{cls.__name__} is of minor {described.minor}, and minor {newest} of it is published"


def _version_of(cls: Any) -> str:
    return f"{cls.type}.{cls.dataschema.rpartition('.')[2]}"


def _shown(path: Path) -> str:
    return show(f"{path.parent.parent.name}/{path.parent.name}/{path.name}")
