"""What is dropped where, in which order, and what it must become: read from the sample data."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ingest.resources import sample_data_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """One thing a partner puts into an inbox."""

    source: str
    name: str  # relative to the inbox
    kind: Literal["file", "symlink", "fifo"]
    file: Path | None  # whose bytes it has
    to: str  # what a link points to

    def put(self, inbox: Path) -> None:
        """It is there, whole, in place of what stood there before."""
        path = inbox / self.name
        if self.kind == "symlink":
            path.symlink_to(self.to)
        elif self.kind == "fifo":
            os.mkfifo(path)
        elif self.file is not None:
            part = inbox / ".being-uploaded"
            part.write_bytes(self.file.read_bytes())
            part.replace(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Drops that arrive together."""

    name: str
    drops: tuple[Drop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The whole demonstration; `sources` maps each source to its inbox, relative to the project."""

    sources: Mapping[str, str]
    passes: Sequence[Pass]
    expected: Mapping[str, Any]  # expected.toml as it stands


def read(directory: Path | None = None) -> Script:
    """The script that lies in the sample data."""
    home = directory or sample_data_dir()
    drops = tomllib.loads((home / "drops.toml").read_text(encoding="utf-8"))
    expected = tomllib.loads((home / "expected.toml").read_text(encoding="utf-8"))
    return Script(
        sources={source["name"]: source["path"] for source in drops["source"]},
        passes=tuple(
            Pass(name=each["name"], drops=tuple(_drop(drop, home) for drop in each["drop"]))
            for each in drops["pass"]
        ),
        expected=expected,
    )


def _drop(drop: Mapping[str, str], home: Path) -> Drop:
    kind: Any = drop.get("kind", "file")
    return Drop(
        source=drop["source"],
        name=drop["as"],
        kind=kind,
        file=home / drop["file"] if "file" in drop else None,
        to=drop.get("to", ""),
    )
