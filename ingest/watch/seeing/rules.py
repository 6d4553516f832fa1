"""Which paths of a source are to land, by its globs alone; what a scan applies and `why` explains."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ingest.config import SourceSettings
from ingest.domain.globs import ALWAYS_IGNORED, compile_globs, matching_glob

_EVERYTHING = "**/*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the globs say of one path, and which of them said it."""

    word: Literal["included", "ignored", "not included", "too deep", "marker", "manifest"]
    pattern: str = ""  # the glob that matched, if one did
    is_built_in: bool = False


class PathRules:
    """The globs of a source, compiled for the many paths of a scan."""

    def __init__(self, source: SourceSettings) -> None:
        self.is_recursive = source.recursive
        self.ignores_empty = source.empty == "ignore"
        self._is_all = _EVERYTHING in source.include
        self._is_included = compile_globs(source.include)
        self._is_ignored = compile_globs([*ALWAYS_IGNORED, *source.ignore])
        self._left = _left_within(source)
        self.announces = _announces(source)

    def takes(self, path: bytes) -> bool:
        """True when what lies at this path is to land."""
        return (self._is_all or self._is_included(path)) and not self._is_ignored(path)

    def enters(self, folder: bytes) -> bool:
        """True when what lies in this folder may be to land.

        Dot-folders are never entered, nor the one that files are moved to once they have landed.
        """
        if folder == self._left or folder.rpartition(b"/")[2].startswith(b"."):
            return False
        return self.is_recursive


def _announces(source: SourceSettings) -> Callable[[bytes], bool]:
    """Whether a path is that of a marker or a manifest, by its name; such a one never lands."""
    if source.complete == "marker":
        before, _, after = os.fsencode(source.marker).partition(b"{name}")
        shortest = len(before) + len(after) + 1

        def is_marker(path: bytes) -> bool:
            name = path.rpartition(b"/")[2]
            return len(name) >= shortest and name.startswith(before) and name.endswith(after)

        return is_marker
    if source.complete == "manifest":
        is_manifest = compile_globs([source.manifest])
        return is_manifest if "/" in source.manifest else lambda path: is_manifest(path.rpartition(b"/")[2])
    return lambda _path: False


def verdict(source: SourceSettings, path: bytes) -> Rule:
    """What the rules of `source` say of `path`, relative to it, and why."""
    if not source.recursive and b"/" in path:
        return Rule(word="too deep")
    left = _left_within(source)
    if left is not None and path.startswith(left + b"/"):
        return Rule(word="ignored", pattern=source.after)
    if _announces(source)(path):
        is_marker = source.complete == "marker"
        return Rule(
            word="marker" if is_marker else "manifest",
            pattern=source.marker if is_marker else source.manifest,
        )
    for patterns, is_built_in in ((ALWAYS_IGNORED, True), (source.ignore, False)):
        pattern = matching_glob(patterns)(path)
        if pattern is not None:
            return Rule(word="ignored", pattern=pattern, is_built_in=is_built_in)
    pattern = matching_glob(source.include)(path)
    return Rule(word="not included") if pattern is None else Rule(word="included", pattern=pattern)


def _left_within(source: SourceSettings) -> bytes | None:
    """Where within the source its files are moved to once they have landed, if they are, and within."""
    if source.moves_to is None:
        return None
    below = os.path.relpath(os.path.realpath(source.moves_to), os.path.realpath(source.path))
    return None if below == ".." or below.startswith("../") else os.fsencode(below)
