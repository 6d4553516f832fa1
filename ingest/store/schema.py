"""The tables, as they stand after the newest migration.

Which table a row is in is its state: work that is due stands in `deliveries`,
what waits for a person in `dead`, what has ended in `outcomes`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from ingest.domain.instants import micros, moment

REVISION = "0001"  # the newest migration; a store at another revision is refused

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """A moment, kept as whole microseconds since 1970 UTC; refuses a naive one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # its signature
        """Microseconds for a moment."""
        return None if value is None else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # its signature
        """A moment for microseconds."""
        return None if value is None else moment(value)


_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only an INTEGER primary key

events = Table(
    "events",
    metadata,
    Column("position", _Id, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
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
    Index(
        "ix_events_cause",
        "cause",
        sqlite_where=text("cause IS NOT NULL"),
        postgresql_where=text("cause IS NOT NULL"),
    ),
    Index(
        "ix_events_supersedes",
        "supersedes",
        sqlite_where=text("supersedes IS NOT NULL"),
        postgresql_where=text("supersedes IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
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
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("bytes", LargeBinary),  # NULL: the bytes are an object in the archive directory
)

landings = Table(
    "landings",
    metadata,
    Column("source", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("inode", Text, nullable=False),  # device:inode; both may need 64 unsigned bits
    Column("original", Text, nullable=False),  # id of the event that first landed these bytes in this source
    Column("landed_at", Instant, nullable=False),
    PrimaryKeyConstraint("source", "sha256", "path", "version"),
    sqlite_with_rowid=False,
)

sightings = Table(
    "sightings",
    metadata,
    Column("source", Text, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("inode", Text, nullable=False),
    Column("state", Text, nullable=False),  # settling | landed | refused | blocked
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),  # the tuple is unchanged since
    Column("version", BigInteger),  # of the content that stands landed
    Column("sha256", Text),
    Column("event_id", Text),
    Column(
        "landed_tuple", Text
    ),  # as it was when that content was last delivered; the columns say what stands there now
    Column("redelivered", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "path"),
    Index(
        "ix_sightings_open",
        "source",
        "state",
        sqlite_where=text("state <> 'landed'"),
        postgresql_where=text("state <> 'landed'"),
    ),
    sqlite_with_rowid=False,
)

sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("mode", Text, nullable=False),  # notify | poll
    Column("state", Text, nullable=False),  # ok | idle | unavailable | degraded
    Column("proof", Text, nullable=False),  # how completeness is established
    Column("last_scan_at", Instant),
    Column("settling", BigInteger, nullable=False),
    Column("ignored", BigInteger, nullable=False),
    Column("landed", BigInteger, nullable=False),
    Column("redelivered", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("processor", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("accepts", Text, nullable=False),  # JSON list of event types
    Column("origins", Text, nullable=False),  # JSON list of sources; empty: all
    Column("settings", Text, nullable=False),  # JSON object: budgets, timeout, options
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
    Column("id", _Id, primary_key=True, autoincrement=True),
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
    Column("id", _Id, primary_key=True, autoincrement=True),
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
    Index(
        "ix_lanes_ready",
        "generation_id",
        "available_at",
        "id",
        sqlite_where=text("state = 'ready'"),
        postgresql_where=text("state = 'ready'"),
    ),
    Index(
        "ix_lanes_leased",
        "worker",
        "child",
        sqlite_where=text("state = 'leased'"),
        postgresql_where=text("state = 'leased'"),
    ),
    sqlite_autoincrement=True,
    postgresql_with={"fillfactor": "70"},
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
    postgresql_with={"fillfactor": "70"},
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
    Column("ended_at", Instant, nullable=False),
    PrimaryKeyConstraint("generation_id", "position"),
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("generation_id", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    Column("started_at", Instant),  # unknown where the supervisor died too
    Column("ended_at", Instant, nullable=False),
    Column("ended", Text, nullable=False),  # done | failed | crashed | dead
    Column("error", Text),
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
    Column("id", _Id, primary_key=True, autoincrement=True),
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

replays = Table(
    "replays",
    metadata,
    Column("id", Text, primary_key=True),
    Column("generation_id", BigInteger, nullable=False, unique=True),
    Column("processor", Text, nullable=False),
    Column("mode", Text, nullable=False),  # rerun
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

OWN_TABLES = frozenset({*metadata.tables, "alembic_version"})
