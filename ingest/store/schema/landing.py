"""Landing: what has landed from where, what is known of each path, how each source fares.

And what is owed: files that are to leave after they landed, scans after something was missed.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from ingest.store.schema.base import Instant, metadata, partial_index

landings = Table(
    "landings",
    metadata,
    Column("source", Text, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),  # of its event
    Column("sha256", Text, nullable=False),
    Column("is_first", Boolean, nullable=False),  # the content was new to the archive
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("inode", Text, nullable=False),  # device:inode; both may need 64 unsigned bits
    Column("landed_at", Instant, nullable=False),
    PrimaryKeyConstraint("source", "path", "version"),
    # The first landing of a content stands beside it; only what came again needs to be found by content.
    partial_index("ix_landings_again", "sha256", "source", "position", where="NOT is_first"),
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
    Column("state", Text, nullable=False),  # settling | landed | refused | suppressed | blocked
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),  # the tuple is unchanged since
    Column("version", BigInteger),  # of the content that stands landed
    Column("sha256", Text),
    Column("event_id", Text),
    Column("landed_tuple", Text),  # of its last delivery; the columns above say what was seen last
    Column("redelivered", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "path"),
    partial_index("ix_sightings_open", "source", "state", where="state <> 'landed'"),
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
    Column("settling", BigInteger, nullable=False),  # not used: sightings are counted
    Column("ignored", BigInteger, nullable=False),
    Column("landed", BigInteger, nullable=False),
    Column("redelivered", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("contents", BigInteger, nullable=False),  # that were new to the archive
    Column("content_bytes", BigInteger, nullable=False),  # their size together
    Column("error", Text, nullable=False),
    Column("suppressed", BigInteger, nullable=False, server_default="0"),  # duplicates that did not land
)

departures = Table(
    "departures",
    metadata,
    Column("ticket", Text, primary_key=True),  # a digest of source, path and delivered
    Column("source", Text, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("delivered", Text, nullable=False),  # the tuple that landed, or was delivered again
    Column("sha256", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("error", Text, nullable=False),  # of the last failure
    Column("ended_at", Instant),
    Column("outcome", Text, nullable=False),
    partial_index("ix_departures_due", "source", "path", where="ended_at IS NULL"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("source", Text, nullable=False),
    Column("number", BigInteger, nullable=False),  # 1, 2, 3, … of the source
    Column("reason", Text, nullable=False),
    Column("detected_at", Instant, nullable=False),
    Column("ended_at", Instant),  # when a scan that began later had come to its end
    PrimaryKeyConstraint("source", "number"),
    # A source has at most one gap that no scan has closed yet, however many watchers it has.
    Index(
        "ux_gaps_open",
        "source",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
    ),
    sqlite_with_rowid=False,
)
