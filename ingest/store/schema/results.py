"""What deliveries came to: outcomes, vain attempts, effects, calls, refused rows, processors' tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, PrimaryKeyConstraint, Table, Text

from ingest.store.schema.base import Id, Instant, metadata

outcomes = Table(
    "outcomes",
    metadata,
    Column("generation_id", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # done | discarded | superseded; of a replay also dead
    Column("version", Text, nullable=False),  # of the processor
    Column("rows_in", BigInteger, nullable=False),
    Column("rows_booked", BigInteger, nullable=False),
    Column("rows_duplicate", BigInteger, nullable=False),
    Column("rows_rejected", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),  # over all the processor handed over
    # Of a replay: unchanged | repaired | changed | dead | unreplayable; else empty.
    Column("verdict", Text, nullable=False),
    Column("note", Text, nullable=False),  # who discarded it and why; what a replay changed
    Column("n", BigInteger, nullable=False),  # which attempt it was; 0: none
    Column("worker", Text, nullable=False),  # who ran it; empty: nobody
    Column("started_at", Instant),
    Column("ended_at", Instant, nullable=False),
    PrimaryKeyConstraint("generation_id", "position"),
    sqlite_with_rowid=False,
)

outcome_totals = Table(  # how many outcomes of each kind there are: kept, since counting millions takes long
    "outcome_totals",
    metadata,
    Column("generation_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("outcomes", BigInteger, nullable=False),
    PrimaryKeyConstraint("generation_id", "state", "verdict"),
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
    Column("ended", Text, nullable=False),  # failed | crashed | retried: by a person
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

calls = Table(
    "calls",
    metadata,
    Column("key", Text, primary_key=True),  # the receiver's: hash of (processor, event, effect name, scope)
    Column("generation_id", BigInteger, nullable=False),  # whose delivery registered it
    Column("processor", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("n", BigInteger, nullable=False),  # in the order in which they were registered
    Column("scope", Text, nullable=False),  # id of the replay that repeats effects on purpose; else empty
    Column("name", Text, nullable=False),
    Column("function", Text, nullable=False),  # its name in the processor's module
    Column("is_repeatable", Boolean, nullable=False),
    Column("request", Text, nullable=False),  # canonical JSON; never another one under the same key
    Column("result", Text),  # JSON
    Column("intended_at", Instant, nullable=False),
    Column("begun_at", Instant),  # only of one that must not be repeated
    Column("made_at", Instant),
    Index("ix_calls_position", "position", "processor"),
    sqlite_with_rowid=False,
)

calling = Table(  # deliveries whose rows and facts stand and whose calls are to be made: their outcome then
    "calling",
    metadata,
    Column("generation_id", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("rows_in", BigInteger, nullable=False),
    Column("rows_booked", BigInteger, nullable=False),
    Column("rows_duplicate", BigInteger, nullable=False),
    Column("rows_rejected", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("generation_id", "position"),
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
