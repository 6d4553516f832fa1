"""What `ingest init` writes: never over anything that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.cli import wiring
from ingest.config import FILE_NAME, database_file, load
from ingest.demo import script
from ingest.errors import CannotWrite
from ingest.store.opening import open_store

_TEMPLATES = Path(__file__).parent / "templates"
_MARKED = ("inbox/globex/GLOBEX_PAY_0001.csv",)  # said by its sender to be whole
_KEPT_AS = ".txt"  # a template of code, which no tool is to read as code of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One thing `init` looked after: a path below the directory, and whether it made it or found it."""

    path: str
    is_new: bool


def make(directory: Path, *, is_example: bool) -> list[Written]:
    """The project stands in `directory`, and its store; what was there is as it was.

    Raises `CannotWrite` when the directory cannot be written, `UsageError`
    when an ingest.toml that was there cannot be read.
    """
    try:
        return list(_made(directory, is_example=is_example))
    except OSError as error:
        raise CannotWrite(
            f"cannot write {error.filename}: {error.strerror}", hint="name a directory that can be written"
        ) from error


def _made(directory: Path, *, is_example: bool) -> Iterator[Written]:
    directory.mkdir(parents=True, exist_ok=True)
    template = _TEMPLATES / ("example" if is_example else "first")
    is_begun = (directory / FILE_NAME).exists()
    for file in [template / FILE_NAME] if is_begun else _files(template):
        name = file.relative_to(template).as_posix().removesuffix(_KEPT_AS)
        yield _file(directory, name, file.read_bytes())
    held = load(directory / FILE_NAME, env=os.environ)
    for source in held.sources:
        yield _folder(directory, source.path)
    if is_example and not is_begun:
        yield from _drops(directory)
    is_new = wiring.make_missing(held)
    open_store(held.store.url, held.store.local).close()
    archive = held.store.archive
    made = archive if isinstance(archive, Path) else database_file(held.store)
    yield Written(path=os.path.relpath(made.parent, directory) + "/", is_new=is_new)


def _files(template: Path) -> list[Path]:
    """Every file of a template, the settings first."""
    return sorted((path for path in template.rglob("*") if path.is_file()), key=_settings_first)


def _settings_first(path: Path) -> tuple[bool, Path]:
    return path.name != FILE_NAME, path


def _drops(directory: Path) -> Iterator[Written]:
    """What arrived on the first morning lies in the inboxes; the rest in `later`, by when it is to come."""
    told = script.read()
    for number, each in enumerate(told.passes):
        for drop in each.drops:
            if drop.file is not None and drop.name.isprintable():
                inbox = Path(told.sources[drop.source])
                folder = inbox if number == 0 else Path("later") / _slug(each.name) / inbox.name
                yield _file(directory, f"{folder}/{drop.name}", drop.file.read_bytes())
    yield from (_file(directory, f"{marked}.done", b"") for marked in _MARKED)


def _slug(words: str) -> str:
    return "-".join(words.replace(",", "").split())


def _file(directory: Path, name: str, content: bytes) -> Written:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return Written(path=name, is_new=False)
    return Written(path=name, is_new=True)


def _folder(directory: Path, path: Path) -> Written:
    is_new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    return Written(path=os.path.relpath(path, directory) + "/", is_new=is_new)
