"""What a landing and a refusal are called, and how they read, in the words of the published events."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from ingest.config import Settings, SourceSettings
from ingest.domain.composing import compose
from ingest.domain.events import FileLanded, FileRefused
from ingest.domain.identity import Standing
from ingest.domain.media import media_type
from ingest.domain.naming import encode_attribute, landed_id, refused_id
from ingest.domain.showing import show
from ingest.store.outbox import Draft
from ingest.watch.scan import Refusal
from ingest.watch.take import Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the events of one source have in common."""

    name: str
    event_source: str  # CloudEvents source
    encoding: str
    is_by_path: bool  # each path is a partition of its own; else the whole source is one

    def key(self, subject: str) -> str:
        """The partition key of a path whose attribute form is `subject`."""
        return f"{self.name}/{subject}" if self.is_by_path else self.name


def origin_of(settings: Settings, source: SourceSettings) -> Origin:
    """The origin that `settings` describe."""
    return Origin(
        name=source.name,
        event_source=f"{settings.event.source.rstrip('/')}/{source.name}",
        encoding=source.encoding,
        is_by_path=source.partition == "{path}",
    )


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
    name = path.rpartition(b"/")[2]
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
        fields={},
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
    name_text, name_b64 = _text(path.rpartition(b"/")[2])
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


def _draft(
    origin: Origin,
    data: FileLanded | FileRefused,
    id_: str,
    path: bytes,
    now: datetime,
    *,
    content: str | None = None,
) -> Draft:
    subject = encode_attribute(path)
    key = origin.key(subject)
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


def _text(name: bytes) -> tuple[str, str | None]:
    """`name` as text, exact where it is UTF-8; else escaped, beside the exact bytes in base64."""
    try:
        return name.decode(), None
    except UnicodeDecodeError:
        return show(name), base64.b64encode(name).decode()
