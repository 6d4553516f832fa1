"""What each key may say alone, but not together with another: found before anything is done."""

from __future__ import annotations

import os
from pathlib import Path

from ingest.config.places import database_file
from ingest.config.settings import Settings, SourceSettings
from ingest.domain.name_patterns import compile_name_pattern
from ingest.domain.nearest import closest
from ingest.errors import UsageError


def refuse_contradictions(settings: Settings) -> None:
    """Raises `UsageError` for the first pair of keys that cannot both be meant."""
    _refuse_a_directory_twice(settings)
    _refuse_own_files_as_arrivals(settings)
    _refuse_a_partition_without_its_group(settings)
    _refuse_moving_into_itself(settings)
    _refuse_unknown_sources(settings)
    _refuse_a_cap_below_its_base(settings)


def _refuse_a_directory_twice(settings: Settings) -> None:
    """Sources may share a directory, each with names of its own; else each file would land twice."""
    seen: dict[object, str] = {}
    for source in settings.sources:
        rules = (os.path.realpath(source.path), source.include, source.ignore)
        if rules in seen:
            raise UsageError(
                f"{settings.file.name}: the sources {seen[rules]} and {source.name} take the same files"
                " from the same directory",
                hint="remove one of them, or give each its own include",
            )
        seen[rules] = source.name


def _refuse_own_files_as_arrivals(settings: Settings) -> None:
    own = {"store.url": database_file(settings.store)}
    if isinstance(settings.store.archive, Path):
        own["store.archive"] = settings.store.archive / "object"
    for source in settings.sources:
        for key, path in own.items():
            if _would_land(source, path):
                raise UsageError(
                    f"{settings.file.name}: {key} lies in the directory of the source {source.name}:"
                    " it would land in itself",
                    hint=f"put {key} or the source elsewhere",
                )


def _would_land(source: SourceSettings, path: Path) -> bool:
    root, own = Path(os.path.normpath(source.path)), Path(os.path.normpath(path))
    return own.is_relative_to(root) and source.takes(os.fsencode(own.relative_to(root)))


def _refuse_a_partition_without_its_group(settings: Settings) -> None:
    """Without the group, every file of the source would be of the same partition."""
    for source in settings.sources:
        group = source.partition.strip("{}")
        known = ["path", "source", *compile_name_pattern(source.name_pattern).groups]
        if group not in known:
            raise UsageError(
                f"{settings.file.name}: source.{source.name}.partition = {source.partition!r}:"
                f" name_pattern has no group {group}",
                hint=f"did you mean {{{closest(group, known)}}}?",
            )


def _refuse_moving_into_itself(settings: Settings) -> None:
    for source in settings.sources:
        if source.moves_to is not None and os.path.realpath(source.moves_to) == os.path.realpath(source.path):
            raise UsageError(
                f"{settings.file.name}: the source {source.name} moves its files to where they are",
                hint="name another directory in after; it may lie within that of the source",
            )


def _refuse_unknown_sources(settings: Settings) -> None:
    """A misspelt source would leave the processor without work for ever, silently."""
    known = [source.name for source in settings.sources]
    for processor in settings.processors:
        for name in set(processor.sources) - set(known):
            raise UsageError(
                f"{settings.file.name}: processor.{processor.name}.sources names {name}, which is no source",
                hint=f"did you mean {closest(name, known)!r}?" if known else "define it with [[source]]",
            )


def _refuse_a_cap_below_its_base(settings: Settings) -> None:
    for processor in settings.processors:
        if processor.backoff.cap < processor.backoff.base:
            raise UsageError(
                f"{settings.file.name}: processor.{processor.name}.backoff.cap is shorter than its base",
                hint="make cap at least as long as base",
            )
