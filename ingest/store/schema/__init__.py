"""The tables, as they stand after the newest migration.

What only PostgreSQL is told (how full its pages are made, which rows an index is about) stands in the
migrations alone: to say it here would import its dialect wherever the tables are.
"""

from __future__ import annotations

from ingest.store.schema.base import Instant, metadata
from ingest.store.schema.landing import departures, gaps, landings, sightings, sources
from ingest.store.schema.log import contents, event_keys, events, tombstones
from ingest.store.schema.outbox import dead, deliveries, generations, lanes, subscriptions
from ingest.store.schema.requests import (
    difference_totals,
    differences,
    replays,
    retention_runs,
    workers,
)
from ingest.store.schema.results import (
    attempts,
    calling,
    calls,
    effects,
    outcome_totals,
    outcomes,
    processor_tables,
    rejects,
)

__all__ = [
    "OWN_TABLES",
    "REVISION",
    "Instant",
    "attempts",
    "calling",
    "calls",
    "contents",
    "dead",
    "deliveries",
    "departures",
    "difference_totals",
    "differences",
    "effects",
    "event_keys",
    "events",
    "gaps",
    "generations",
    "landings",
    "lanes",
    "metadata",
    "outcome_totals",
    "outcomes",
    "processor_tables",
    "rejects",
    "replays",
    "retention_runs",
    "sightings",
    "sources",
    "subscriptions",
    "tombstones",
    "workers",
]

REVISION = "0006"  # the newest migration; a store at another revision is refused

OWN_TABLES = frozenset({*metadata.tables, "alembic_version", "ingest_moved"})
