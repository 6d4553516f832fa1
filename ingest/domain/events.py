"""Facts about files, and the envelope every fact travels in.

An event says what already happened, never what should happen next. Once
written it is read for years, so a field may be added but not renamed, and a
change of meaning is a new schema number. This module does no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from ingest.domain.facts import fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One immutable fact: a CloudEvents 1.0 envelope around typed data.

    `keyseq` is the dense position within `partitionkey`, None until the fact
    is in the outbox. `correlationid` is the id of the fact at the root of the
    chain of causes, `causationid` that of the direct cause (None at a root).
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    dataschema: str
    data: Mapping[str, Any]
    partitionkey: str
    correlationid: str
    causationid: str | None = None
    keyseq: int | None = None


@fact("ingest.file.landed", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class FileLanded:
    """A whole file has arrived and its bytes are safe."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    source: str
    name: str  # the last part of the path, as text; escaped where it is not UTF-8
    path: str  # relative to the source
    size: int  # bytes
    sha256: str
    media_type: str
    version: int  # 1 for the first content of this path
    supersedes: str | None  # id of the event of the former content of this path
    duplicateof: str | None  # id of the first event with these bytes in this source
    landed_at: datetime
    complete: str  # how completeness was established; an open set of words
    fields: Mapping[str, str]  # captured from the name
    encoding: str  # as declared for the source, never guessed
    content: str  # "archive:sha256:<hex>"
    name_b64: str | None = None  # the exact bytes, where the name is not UTF-8
    path_b64: str | None = None


@fact("ingest.file.extracted", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class FileExtracted:
    """A container that landed holds a file, which is one of its own from here on."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    source: str
    name: str  # the last part of the member's name, as text
    path: str  # that of the container, a slash, the member's name
    size: int  # bytes
    sha256: str
    media_type: str
    landed_at: datetime  # of the file that landed
    fields: Mapping[str, str]  # captured from the name of the file that landed
    encoding: str  # as declared for the source, never guessed
    container: str  # id of the event of the container
    member: list[str]  # its names from the file that landed inwards; none: it is that file itself
    content: str  # "archive:sha256:<hex>" of the file that landed


@fact("ingest.file.refused", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class FileRefused:
    """Something in a source will not be landed as it is; it was not opened, or not taken."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    source: str
    name: str
    path: str
    size: int  # bytes, as the directory entry says
    reason: str  # "symlink", "fifo", "socket", "device", …; an open set of words
    message: str  # for a person
    refused_at: datetime
    name_b64: str | None = None
    path_b64: str | None = None


@fact("ingest.file.duplicate_received", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFileReceived:
    """Known bytes have arrived at a new path of a source whose policy is to suppress them."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    source: str
    name: str
    path: str
    size: int  # bytes
    sha256: str
    duplicateof: str  # id of the first event with these bytes in this source
    received_at: datetime
    complete: str  # how completeness was established; an open set of words
    content: str  # "archive:sha256:<hex>"
    name_b64: str | None = None
    path_b64: str | None = None


@fact("ingest.watch.gap_detected", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class WatchGapDetected:
    """For a while, changes in a source may have gone unseen; a scan of the whole of it follows."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    source: str
    number: int  # 1, 2, 3, … of the source
    reason: str  # "overflow", "notifier", "unavailable", "replaced", "suspended"; an open set of words
    message: str  # for a person
    detected_at: datetime


@fact("ingest.watch.reconcile_completed", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileCompleted:
    """A scan that began after a gap has come to its end: what is in the source now has been seen."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    source: str
    number: int  # of the gap
    reason: str  # of the gap
    gap: str  # id of the WatchGapDetected
    entries: int  # that the scan met
    completed_at: datetime


FILE_FACTS: tuple[
    type[
        FileLanded
        | FileExtracted
        | FileRefused
        | DuplicateFileReceived
        | WatchGapDetected
        | ReconcileCompleted
    ],
    ...,
] = (
    FileLanded,
    FileExtracted,
    FileRefused,
    DuplicateFileReceived,
    WatchGapDetected,
    ReconcileCompleted,
)
"""The facts that the engine itself states."""
