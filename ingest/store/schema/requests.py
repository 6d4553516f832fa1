"""Who works here, and what people asked to be done again, or to be let go."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table, Text

from ingest.store.schema.base import Instant, metadata

replays = Table(
    "replays",
    metadata,
    Column("id", Text, primary_key=True),
    Column("generation_id", BigInteger, nullable=False, unique=True),
    Column("processor", Text, nullable=False),
    Column("mode", Text, nullable=False),  # rerun | shadow | force
    Column("selector", Text, nullable=False),  # JSON object
    Column("bound", BigInteger, nullable=False),
    Column("plan_id", Text, nullable=False),
    Column("version", Text, nullable=False),  # of the processor
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("state", Text, nullable=False),  # filling | running | paused | done | cancelled
    Column("total", BigInteger, nullable=False),  # deliveries made so far
    Column("first_position", BigInteger),
    Column("last_position", BigInteger),
    Column("requested_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

differences = Table(
    "differences",
    metadata,
    Column("generation_id", BigInteger, nullable=False),  # of a shadow replay
    Column("position", BigInteger, nullable=False),  # of an event of which something would change
    Column("stood", Text, nullable=False),  # how its delivery stood: done | dead | waiting | ...
    Column("found", Text, nullable=False),  # JSON: counts, sums and examples
    PrimaryKeyConstraint("generation_id", "position"),
)

difference_totals = Table(
    "difference_totals",
    metadata,
    Column("generation_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # rows | facts | rejects | calls | money
    Column("name", Text, nullable=False),  # table, event type, or table.column
    Column("unit", Text, nullable=False),  # currency
    Column("added", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("before", Text, nullable=False),  # exact decimals
    Column("after", Text, nullable=False),
    PrimaryKeyConstraint("generation_id", "kind", "name", "unit"),
    sqlite_with_rowid=False,
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),  # unique per start, never reused
    Column("kind", Text, nullable=False),  # worker | watcher
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # active | stopping | stopped | stale
    Column("started_at", Instant, nullable=False),
    Column("beat_at", Instant, nullable=False),
    Column("lease_until", Instant, nullable=False),
    Column("settings", Text, nullable=False),  # digest of what must be equal among live workers
)

retention_runs = Table(
    "retention_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cutoff", Instant, nullable=False),  # what is as young stays
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),  # NULL: it goes on, or was interrupted
    Column("outcomes", BigInteger, nullable=False),
    Column("contents", BigInteger, nullable=False),
    Column("content_bytes", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False, server_default="0"),
)
