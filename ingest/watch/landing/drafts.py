"""What a landing and a refusal are called, and how they read, in the words of the published events."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.config import Settings, SourceSettings
from ingest.domain.composing import compose
from ingest.domain.events import DuplicateFileReceived, FileLanded, FileRefused
from ingest.domain.identity import Standing
from ingest.domain.keys import path_key
from ingest.domain.media import media_type
from ingest.domain.name_patterns import NamePattern, compile_name_pattern
from ingest.domain.naming import duplicate_id, encode_attribute, landed_id, refused_id
from ingest.domain.showing import show
from ingest.store.outbox import Draft
from ingest.watch.landing.take import Taken
from ingest.watch.seeing.scan import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the events of one source have in common, and which arrivals are events.

    What is left out is as for a source of which ingest.toml says no more than its path.
    """

    name: str
    event_source: str  # CloudEvents source
    encoding: str = "utf-8"
    partition: str = "{path}"  # {path} | {source} | {group}
    pattern: NamePattern | None = None  # of names; None: any name will do
    lands_resends: bool = False  # the bytes that stand, delivered again, are a version of their own
    duplicates: str = "flag"  # flag | suppress | refuse: known bytes at a new path
    insists: bool = False  # whatever is delivered is a version of its own, also what stands already

    def key(self, path: bytes, subject: str) -> str:
        """The partition key of a path whose attribute form is `subject`; a refused name is by its path."""
        if self.partition == "{path}":
            return path_key(self.name, subject)
        if self.partition == "{source}":
            return self.name
        values = self.pattern.values(_name_of(path)) if self.pattern is not None else None
        if values is None:
            return path_key(self.name, subject)
        return f"{self.name}/{encode_attribute(values.get(self.partition.strip('{}'), ''))}"

    def fields(self, name: bytes) -> Mapping[str, str]:
        """What the source's pattern captures from a name."""
        return {} if self.pattern is None else self.pattern.fields(name) or {}


def origin_of(settings: Settings, source: SourceSettings) -> Origin:
    """The origin that `settings` describe."""
    return Origin(
        name=source.name,
        event_source=f"{settings.event.source.rstrip('/')}/{source.name}",
        encoding=source.encoding,
        partition=source.partition,
        pattern=compile_name_pattern(source.name_pattern) if source.name_pattern else None,
        lands_resends=source.resend == "land",
        duplicates=source.duplicates,
    )


def ahead(origin: Origin, batch: Sequence[Taken], *, now: datetime) -> list[Draft]:
    """The fact of each file as it reads where the path and its bytes are new, as they mostly are.

    Composed before the write lock is asked for: nobody waits for it.
    """
    return [landed(origin, taken, None, duplicate_of=None, now=now)[1] for taken in batch]


def landed(
    origin: Origin,
    taken: Taken,
    former: Standing | None,
    *,
    duplicate_of: str | None,
    now: datetime,
) -> tuple[int, Draft]:
    """The version that `taken` becomes after `former`, and the draft of its fact."""
    path, sha256 = taken.look.path, taken.sha256
    version = 1 if former is None else former.version + 1
    text, path_b64 = _text(path)
    name = _name_of(path)
    name_text, name_b64 = (text, path_b64) if name == path else _text(name)
    data = FileLanded(
        source=origin.name,
        name=name_text,
        path=text,
        size=taken.look.stat.size,
        sha256=sha256,
        media_type=media_type(name),
        version=version,
        supersedes=None if former is None else former.event_id,
        duplicateof=duplicate_of,
        landed_at=now,
        complete=taken.complete,
        fields=origin.fields(name),
        encoding=origin.encoding,
        content=f"archive:sha256:{sha256}",
        name_b64=name_b64,
        path_b64=path_b64,
    )
    id_ = landed_id(origin.name, path, sha256, version)
    return version, _draft(origin, data, id_, path, now, content=sha256)


def refused(origin: Origin, refusal: Refusal, *, now: datetime) -> Draft:
    """The draft of the fact that something was refused; its id is that of the tuple, so it is stated once."""
    path, stat = refusal.look
    text, path_b64 = _text(path)
    name_text, name_b64 = _text(_name_of(path))
    data = FileRefused(
        source=origin.name,
        name=name_text,
        path=text,
        size=stat.size,
        reason=refusal.reason,
        message=refusal.message,
        refused_at=now,
        name_b64=name_b64,
        path_b64=path_b64,
    )
    id_ = refused_id(origin.name, path, stat.text(), refusal.reason)
    return _draft(origin, data, id_, path, now)


def suppressed(origin: Origin, taken: Taken, *, duplicate_of: str, now: datetime) -> Draft:
    """The draft of the fact that known bytes came under a new path; its id is that of the tuple."""
    (path, stat), sha256 = taken.look, taken.sha256
    text, path_b64 = _text(path)
    name_text, name_b64 = _text(_name_of(path))
    data = DuplicateFileReceived(
        source=origin.name,
        name=name_text,
        path=text,
        size=stat.size,
        sha256=sha256,
        duplicateof=duplicate_of,
        received_at=now,
        complete=taken.complete,
        content=f"archive:sha256:{sha256}",
        name_b64=name_b64,
        path_b64=path_b64,
    )
    id_ = duplicate_id(origin.name, path, stat.text())
    return _draft(origin, data, id_, path, now, content=sha256)


def _draft(
    origin: Origin,
    data: FileLanded | FileRefused | DuplicateFileReceived,
    id_: str,
    path: bytes,
    now: datetime,
    *,
    content: str | None = None,
) -> Draft:
    subject = encode_attribute(path)
    key = origin.key(path, subject)
    return Draft(
        id=id_,
        type=data.type,
        key=key,
        time=now,
        body=compose(data, id=id_, source=origin.event_source, subject=subject, time=now, partitionkey=key),
        origin=origin.name,
        supersedes=data.supersedes if isinstance(data, FileLanded) else None,
        content=content,
    )


def _name_of(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def _text(name: bytes) -> tuple[str, str | None]:
    """`name` as text, exact where it is UTF-8; else escaped, beside the exact bytes in base64."""
    try:
        return name.decode(), None
    except UnicodeDecodeError:
        return show(name), base64.b64encode(name).decode()
