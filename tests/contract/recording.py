"""An in-process `Context` that applies nothing: what a processor hands over can be looked at."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

from ingest import Call, Event, FileLanded, Processor, Table
from ingest.domain.codec import root_event

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inserted:
    """A row as it was handed over, bound as the database would keep it, and the fact that goes with it."""

    table: str
    values: Mapping[str, Any]
    fact: Any
    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A row of the input that the processor refused."""

    line: int | None
    column: str | None
    rule: str
    raw: str | bytes


@dataclass(slots=True, kw_only=True)
class Recording:
    """The context of one event; everything handed over is kept in order."""

    event: Event
    content: bytes = b""
    options: Mapping[str, Any] = field(default_factory=dict)
    inserted: list[Inserted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    called: list[tuple[str, Call, Any]] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        yield io.BytesIO(self.content)

    def insert(
        self, table: Table, values: Mapping[str, Any], *, fact: object = None, key: str = "", name: str = ""
    ) -> None:
        bound = dict(zip((column.name for column in table.columns), table.bind(values), strict=True))
        self.inserted.append(Inserted(table=table.name, values=bound, fact=fact, key=key, name=name))

    def insert_many(self, table: Table, rows: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        raise NotImplementedError

    def emit(self, fact: object, *, key: str, name: str) -> None:
        raise NotImplementedError

    def reject(
        self, *, rule: str, line: int | None = None, column: str | None = None, raw: str | bytes = ""
    ) -> None:
        self.refused.append(Refused(line=line, column=column, rule=rule, raw=raw))

    def once(self, name: str, call: Call, request: Any) -> None:
        self.called.append((name, call, request))

    def select(self, table: Table, /, **equal: Any) -> list[dict[str, Any]]:
        raise NotImplementedError


def landed(content: bytes, *, encoding: str = "utf-8") -> FileLanded:
    """A file of these bytes, as the fact that a processor receives."""
    return FileLanded(
        source="acme",
        name="a.csv",
        path="a.csv",
        size=len(content),
        sha256="0" * 64,
        media_type="text/csv",
        version=1,
        supersedes=None,
        duplicateof=None,
        landed_at=NOON,
        complete="renamed",
        fields={},
        encoding=encoding,
        content="archive:sha256:" + "0" * 64,
    )


def handle(
    processor: Processor, fact: Any, *, content: bytes = b"", options: Mapping[str, Any] | None = None
) -> Recording:
    """What `processor` hands over for `fact`."""
    event = root_event(
        fact, id="1", source="/ingest/acme", subject="a.csv", time=NOON, partitionkey="acme/a.csv"
    )
    recording = Recording(event=event, content=content, options=options or {})
    processor(fact, recording)
    return recording


def handle_file(
    processor: Processor,
    content: bytes | str,
    *,
    encoding: str = "utf-8",
    options: Mapping[str, Any] | None = None,
) -> Recording:
    """What `processor` hands over for a file of these bytes, or of this text in `encoding`."""
    data = content if isinstance(content, bytes) else content.encode(encoding)
    return handle(processor, landed(data, encoding=encoding), content=data, options=options)
