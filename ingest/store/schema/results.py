"""What deliveries came to: outcomes, vain attempts, effects, refused rows, processors' tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text

from ingest.store.schema.base import Id, Instant, metadata

outcomes = Table(
    "outcomes",
    metadata,
    Column("generation_id", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # done | discarded | superseded
    Column("version", Text, nullable=False),  # of the processor
    Column("rows_in", BigInteger, nullable=False),
    Column("rows_booked", BigInteger, nullable=False),
    Column("rows_duplicate", BigInteger, nullable=False),
    Column("rows_rejected", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),  # over all the processor handed over
    Column("verdict", Text, nullable=False),  # of a replay: unchanged | repaired | changed; else empty
    Column("note", Text, nullable=False),  # who discarded it and why; what a replay changed
    Column("n", BigInteger, nullable=False),  # which attempt it was; 0: none
    Column("worker", Text, nullable=False),  # who ran it; empty: nobody
    Column("started_at", Instant),
    Column("ended_at", Instant, nullable=False),
    PrimaryKeyConstraint("generation_id", "position"),
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("generation_id", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    Column("started_at", Instant),  # unknown where the supervisor died too
    Column("ended_at", Instant, nullable=False),
    Column("ended", Text, nullable=False),  # failed | crashed
    Column("error", Text, nullable=False),
    Index("ix_attempts_position", "position", "generation_id"),
)

effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),  # hash of (processor, event, effect name)
    Column("processor", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_effects_position", "position", "processor"),
    sqlite_with_rowid=False,
)

rejects = Table(
    "rejects",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False),
    Column("processor", Text, nullable=False),
    Column("line", BigInteger),
    Column("column", Text),
    Column("rule", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Index("ix_rejects_event", "event_id", "processor"),
)

processor_tables = Table(
    "processor_tables",
    metadata,
    Column("name", Text, primary_key=True),
    Column("processor", Text, nullable=False),
    Column("columns", Text, nullable=False),  # JSON: how it was declared
)
