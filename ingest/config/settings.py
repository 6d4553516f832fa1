"""Everything that `ingest.toml` may say, once: name, type, default, meaning.

The values here are ready to use: paths are absolute, durations are
`timedelta`, sizes are bytes. Nothing in this module reads a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from ingest.config.buckets import Bucket
from ingest.config.kinds import (
    AFTER,
    ARCHIVE,
    BOOLEAN,
    DIRECTORY,
    ENCODING,
    GLOB,
    MARKER,
    NAME,
    NAME_PATTERN,
    OPTIONS,
    PARTITION,
    PERCENTAGE,
    URI_REFERENCE,
    WORDS,
    choice,
    duration,
    integer,
    key,
    list_of,
    size,
)
from ingest.domain.globs import ALWAYS_IGNORED, compile_globs
from ingest.domain.nearest import suggestion
from ingest.errors import NotFound

KIB, MIB, GIB = 2**10, 2**20, 2**30

_RESCAN = timedelta(seconds=30)
_RESCAN_POLLED = timedelta(seconds=5)
_QUIET = timedelta(seconds=2)
_QUIET_POLLED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where events, their deliveries and the received bytes are kept."""

    url: str = field(
        default="sqlite:///.ingest/ingest.db", metadata=key(WORDS, "The database; ${NAME}: a variable.")
    )
    local: Path = field(
        default=Path(".ingest"), metadata=key(DIRECTORY, "What a host keeps beside a database on a server.")
    )
    archive: Path | Bucket = field(
        default=Path(".ingest/archive"),
        metadata=key(ARCHIVE, "The directory, or the s3:// address, of the received bytes."),
    )
    inline_max: int = field(
        default=64 * KIB,
        metadata=key(
            size(most=16 * MIB), "Contents up to this size live in the database, in the landing transaction."
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """What every event carries."""

    source: str = field(
        default="/ingest",
        metadata=key(URI_REFERENCE, "The CloudEvents source; the name of the configured source is appended."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSettings:
    """How `ingest work` runs."""

    concurrency: int = field(default=2, metadata=key(integer(1, 256), "How many processes work at once."))
    lease: timedelta = field(
        default=timedelta(seconds=30),
        metadata=key(duration(), "How long a worker that is not heard of keeps what it claimed."),
    )
    start_timeout: timedelta = field(
        default=timedelta(seconds=60),
        metadata=key(duration(), "How long the imports of all processors may take."),
    )
    shutdown_timeout: timedelta = field(
        default=timedelta(seconds=30),
        metadata=key(duration(zero=True), "How long a stopping worker may take to finish what it runs."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """One place where files land, and its rules."""

    name: str = field(metadata=key(NAME, "What the source is called in events, commands and partition keys."))
    path: Path = field(metadata=key(DIRECTORY, "The directory where files land."))
    include: tuple[str, ...] = field(
        default=("**/*",), metadata=key(list_of(GLOB, least=1), "Globs of the relative paths that are taken.")
    )
    ignore: tuple[str, ...] = field(
        default=(),
        metadata=key(list_of(GLOB), "Globs of relative paths left alone, besides the built-in ones."),
    )
    recursive: bool = field(
        default=True, metadata=key(BOOLEAN, "Whether folders within the directory count.")
    )
    mode: str = field(
        default="auto",
        metadata=key(
            choice("auto", "notify", "poll"), "Whether the system's notifications hint at new files."
        ),
    )
    rescan: timedelta | None = field(
        default=None,
        metadata=key(duration(), "How often the whole directory is read.", if_absent="30s; 5s when polling"),
    )
    complete: str = field(
        default="stable",
        metadata=key(
            choice("stable", "renamed", "marker", "manifest"),
            "How a whole file is told from one still being written.",
        ),
    )
    quiet: timedelta | None = field(
        default=None,
        metadata=key(
            duration(zero=True),
            "How long a file must not change to be whole.",
            if_absent="2s; 30s when polling",
        ),
    )
    marker: str = field(
        default="{name}.done",
        metadata=key(MARKER, 'The name of the marker file, for complete = "marker".'),
    )
    manifest: str = field(
        default="*.sha256",
        metadata=key(GLOB, 'The names of manifests, for complete = "manifest".'),
    )
    name_pattern: str = field(
        default="",
        metadata=key(NAME_PATTERN, "A regular expression that names must match; its groups are recorded."),
    )
    partition: str = field(
        default="{path}",
        metadata=key(PARTITION, "Files of the same partition are handled in order."),
    )
    encoding: str = field(default="utf-8", metadata=key(ENCODING, "The declared encoding of the files."))
    resend: str = field(
        default="count",
        metadata=key(choice("count", "land"), "What the same bytes under the same path are."),
    )
    duplicates: str = field(
        default="flag",
        metadata=key(choice("flag", "suppress", "refuse"), "What known bytes under a new path are."),
    )
    empty: str = field(
        default="land",
        metadata=key(choice("land", "ignore", "refuse"), "What an empty file is."),
    )
    hardlinks: str = field(
        default="accept",
        metadata=key(choice("accept", "refuse"), "What a file with a second name is."),
    )
    max_size: int = field(default=2 * GIB, metadata=key(size(least=1), "Larger files are refused."))
    after: str = field(default="keep", metadata=key(AFTER, "What becomes of a file that has landed."))

    def quiet_for(self, *, polled: bool) -> timedelta:
        """How long a file must not change, given how the source is in fact watched."""
        return self.quiet if self.quiet is not None else _QUIET_POLLED if polled else _QUIET

    def rescan_every(self, *, polled: bool) -> timedelta:
        """How often to scan, given how the source is in fact watched."""
        return self.rescan if self.rescan is not None else _RESCAN_POLLED if polled else _RESCAN

    @property
    def moves_to(self) -> Path | None:
        """The directory that files are moved to once they have landed, if they are."""
        return Path(self.after.removeprefix("move:")) if self.after.startswith("move:") else None

    def takes(self, path: bytes) -> bool:
        """Whether a file at this relative path is to land; for a look now and then, not for a scan."""
        if not self.recursive and b"/" in path:
            return False
        return compile_globs(self.include)(path) and not compile_globs([*ALWAYS_IGNORED, *self.ignore])(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackoffSettings:
    """How long a failed delivery waits before it is tried again."""

    base: timedelta = field(
        default=timedelta(seconds=1),
        metadata=key(duration(), "The longest wait after the first failure; it doubles."),
    )
    cap: timedelta = field(
        default=timedelta(minutes=15), metadata=key(duration(), "The longest wait after any failure.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorSettings:
    """One consumer of events, and its limits."""

    name: str = field(
        metadata=key(NAME, "What the processor is called; its deliveries and rows belong to this name.")
    )
    use: str = field(metadata=key(WORDS, "module:function, or the name of an entry point."))
    sources: tuple[str, ...] = field(
        default=(), metadata=key(list_of(NAME), "The sources whose files it reacts to; none means all.")
    )
    accepts: tuple[str, ...] = field(
        default=(),
        metadata=key(list_of(WORDS), "The event types it reacts to; none means as its function declares."),
    )
    start: str = field(
        default="beginning",
        metadata=key(
            choice("beginning", "now"), "Whether a new processor is also given what happened before."
        ),
    )
    ordered: bool = field(
        default=True, metadata=key(BOOLEAN, "Whether events of one partition key wait for each other.")
    )
    on_dead: str = field(
        default="park",
        metadata=key(
            choice("park", "skip"), "Whether what follows a dead delivery of the same key waits for a person."
        ),
    )
    timeout: timedelta = field(
        default=timedelta(minutes=5),
        metadata=key(duration(), "How long one delivery may run; then it is killed."),
    )
    memory_max: int = field(
        default=2 * GIB, metadata=key(size(least=1), "How much memory one delivery may use.")
    )
    max_attempts: int = field(
        default=5, metadata=key(integer(1), "How often an error may happen before it is dead.")
    )
    max_crashes: int = field(
        default=3, metadata=key(integer(1), "How often it may take its process down before it is dead.")
    )
    max_facts: int = field(
        default=1_000_000, metadata=key(integer(0), "How many facts one delivery may emit.")
    )
    backoff: BackoffSettings = field(default_factory=BackoffSettings)
    max_rejects: Decimal = field(
        default=Decimal(0),
        metadata=key(PERCENTAGE, "The share of rows that may be refused before the file is dead."),
    )
    options: Mapping[str, Any] = field(
        default_factory=dict, metadata=key(OPTIONS, "Handed to the processor as ctx.options.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that holds in this run, and `origins`: for every dotted key `flag`, `env`, `file` or `default`."""

    file: Path
    version: int = field(default=1, metadata=key(integer(1), "The form of this file.", built=(1,)))
    store: StoreSettings = field(default_factory=StoreSettings)
    event: EventSettings = field(default_factory=EventSettings)
    work: WorkSettings = field(default_factory=WorkSettings)
    sources: tuple[SourceSettings, ...] = ()
    processors: tuple[ProcessorSettings, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    def source(self, name: str) -> SourceSettings:
        """The source called `name`, or `NotFound`."""
        return _named("source", name, self.sources)

    def processor(self, name: str) -> ProcessorSettings:
        """The processor called `name`, or `NotFound`."""
        return _named("processor", name, self.processors)


_Named = TypeVar("_Named", SourceSettings, ProcessorSettings)


def _named(kind: str, name: str, among: tuple[_Named, ...]) -> _Named:
    for each in among:
        if each.name == name:
            return each
    known = [each.name for each in among]
    hint = suggestion(name, known, otherwise=f"it names: {', '.join(known) or 'none'}")
    raise NotFound(f"ingest.toml names no {kind} {name!r}", hint=hint)
