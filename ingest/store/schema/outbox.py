"""Delivery: who is subscribed, what is due for whom, and in which lane it waits.

Which table a row is in is its state: work that is due stands in `deliveries`,
what waits for a person in `dead`, what has ended in `outcomes`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from ingest.store.schema.base import Id, Instant, metadata, partial_index

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("processor", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("accepts", Text, nullable=False),  # JSON list of event types
    Column("origins", Text, nullable=False),  # JSON list of sources; empty: all
    Column("settings", Text, nullable=False),  # JSON object: budgets, timeout and the like
    Column("is_ordered", Boolean, nullable=False),
    Column("on_dead", Text, nullable=False),  # park | skip
    Column("state", Text, nullable=False),  # active | paused
    Column("start", Text, nullable=False),  # beginning | now
    Column("generation_id", BigInteger, nullable=False),  # the live one
    Column("added_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

generations = Table(
    "generations",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("processor", Text, nullable=False),
    Column("kind", Text, nullable=False),  # live | replay
    Column("state", Text, nullable=False),  # filling | open | paused | closed
    Column("bound", BigInteger, nullable=False),  # fill from past events up to this position
    Column("cursor", BigInteger, nullable=False),  # filled up to this position
    sqlite_autoincrement=True,
)

lanes = Table(
    "lanes",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("generation_id", BigInteger, nullable=False),
    Column("key", Text, nullable=False),  # partition key; the event's id where the processor is unordered
    Column("state", Text, nullable=False),  # ready | leased | parked
    Column("available_at", Instant, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("worker", Text),  # who leases it
    Column("child", BigInteger),  # which child of that worker
    Column("held_to", BigInteger),  # deliveries up to this keyseq are started
    Column("is_single", Boolean, nullable=False),  # a started delivery crashed: run one at a time
    UniqueConstraint("generation_id", "key", name="uq_lanes_generation_key"),
    partial_index("ix_lanes_ready", "generation_id", "available_at", "id", where="state = 'ready'"),
    partial_index("ix_lanes_leased", "worker", "child", where="state = 'leased'"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("lane_id", BigInteger, nullable=False),
    Column("keyseq", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),  # errors so far
    Column("crashes", BigInteger, nullable=False),  # crashes so far
    Column("error", Text),  # the last one
    PrimaryKeyConstraint("lane_id", "keyseq"),
    sqlite_with_rowid=False,
)

dead = Table(
    "dead",
    metadata,
    Column("generation_id", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("lane_key", Text, nullable=False),
    Column("keyseq", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("crashes", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("is_parking", Boolean, nullable=False),  # its lane waits behind it
    PrimaryKeyConstraint("generation_id", "position"),
)
