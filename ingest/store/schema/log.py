"""The log and the archive: events, the head of each partition key, the bytes of small contents."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, UniqueConstraint

from ingest.store.schema.base import Id, Instant, metadata, partial_index

events = Table(
    "events",
    metadata,
    Column("position", Id, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),  # empty, as the body: the event was retired
    Column("key", Text, nullable=False),
    Column("keyseq", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),  # the source of the file at the root of the causes
    Column("time", Instant, nullable=False),
    Column("cause", Text),  # id of the event that brought this one about
    Column("producer", Text, nullable=False),  # the processor that emitted it; empty for facts about files
    Column("supersedes", Text),
    Column("content", Text),  # SHA-256 of the bytes of the file at the root
    Column("body", Text, nullable=False),  # canonical CloudEvents JSON, without keyseq
    Column("hash", LargeBinary, nullable=False),  # the chain of its partition key
    UniqueConstraint("key", "keyseq", name="uq_events_key_keyseq"),
    partial_index("ix_events_cause", "cause", where="cause IS NOT NULL"),
    partial_index("ix_events_supersedes", "supersedes", where="supersedes IS NOT NULL"),
    sqlite_autoincrement=True,
)

tombstones = (
    Table(  # of events whose type and body a retention run took; a row of `events` without them stays
        "tombstones",
        metadata,
        Column("position", Id, primary_key=True, autoincrement=False),
        Column("id", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("run_id", Text, nullable=False),
    )
)

event_keys = Table(
    "event_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("keyseq", BigInteger, nullable=False),  # of the last event
    Column("hash", LargeBinary, nullable=False),  # of the last event
    sqlite_with_rowid=False,
)

contents = Table(
    "contents",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("bytes", LargeBinary),  # NULL: the bytes are an object in the archive directory
    Column("source", Text, nullable=False),  # what landed first with these bytes
    Column("path", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    # kept | leaving: a run has taken it, its object may still lie there | retired
    Column("state", Text, nullable=False, server_default="kept"),
    Column("run_id", Text),  # of the retention run that took the bytes
    partial_index("ix_contents_leaving", "sha256", where="state = 'leaving'"),
)
