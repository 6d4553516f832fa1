"""What `ingest init` writes: never over anything that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.cli import wiring
from ingest.config import FILE_NAME, load
from ingest.demo import script
from ingest.errors import CannotWrite
from ingest.store.engine import open_store

_TEMPLATES = Path(__file__).parent / "templates"
_FIRST = {
    "processors/line_counts.py": "line_counts.py.txt",
    "tests/test_line_counts.py": "test_line_counts.py.txt",
}


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
    had_settings = (directory / FILE_NAME).exists()
    template = "example.toml" if is_example else FILE_NAME
    yield _file(directory, FILE_NAME, (_TEMPLATES / template).read_bytes())
    if not had_settings:
        for path, written in _FIRST.items():
            yield _file(directory, path, (_TEMPLATES / written).read_bytes())
    held = load(directory / FILE_NAME, env=os.environ)
    for source in held.sources:
        yield _folder(directory, source.path)
    if is_example and not had_settings:
        yield from _examples(directory)
    is_new = wiring.make_missing(held)
    open_store(held.store.url).close()
    yield Written(path=os.path.relpath(held.store.archive.parent, directory) + "/", is_new=is_new)


def _examples(directory: Path) -> Iterator[Written]:
    """What arrives on the first morning, but for what is no file at all."""
    told = script.read()
    for drop in told.passes[0].drops:
        path = f"{told.sources[drop.source]}/{drop.name}"
        if drop.file is not None and drop.name.isprintable():
            yield _file(directory, path, drop.file.read_bytes())


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
